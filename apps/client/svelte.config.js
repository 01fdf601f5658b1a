import adapter from '@sveltejs/adapter-cloudflare';
import { vitePreprocess } from '@sveltejs/vite-plugin-svelte';
import { hashSources } from '../../scripts/source-hash.ts';
import { withSiteHeaders } from './site-headers.js';

/** @type {import('@sveltejs/kit').Config} */
export default {
  preprocess: vitePreprocess(),
  kit: {
    adapter: withSiteHeaders(adapter(), { relayUrl: process.env.PUBLIC_RELAY_URL }),
    // An update is noticed by this name; it has to be reproducible, so it is no timestamp.
    version: { name: hashSources() },
    // The service worker is registered by the update prompt (src/lib/app/update.svelte.ts).
    serviceWorker: { register: false },
  },
};
