/// <reference types="vite-plugin-pwa/client" />

declare global {
  /** The relay's address when it does not serve this client, else ''. Set by PUBLIC_RELAY_URL at build time. */
  const __RELAY_URL__: string;

  namespace App {
    interface PageState {
      /** The session whose links were made a moment ago and are to be handed on; not always the one still on the screen. */
      newLinks?: string;
    }
  }
}

export {};
