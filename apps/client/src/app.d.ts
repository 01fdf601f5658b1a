/// <reference types="vite-plugin-pwa/client" />

declare global {
  /** The relay's address when it does not serve this client, else ''. Set by PUBLIC_RELAY_URL at build time. */
  const __RELAY_URL__: string;

  namespace App {
    interface PageState {
      /** The session was made a moment ago, so that there are new links to hand on. */
      newLinks?: boolean;
    }
  }
}

export {};
