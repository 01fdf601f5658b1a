/// <reference types="vite-plugin-pwa/client" />

declare global {
  /** The relay's address when it does not serve this client, else ''. Set by PUBLIC_RELAY_URL at build time. */
  const __RELAY_URL__: string;
}

export {};
