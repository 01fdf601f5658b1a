import { sveltekit } from '@sveltejs/kit/vite';
import { SvelteKitPWA } from '@vite-pwa/sveltekit';
import { defineConfig } from 'vite';
import { meshModules } from './mesh-modules.ts';

export default defineConfig({
  define: {
    // Empty: the relay is the origin that serves this client.
    __RELAY_URL__: JSON.stringify(process.env['PUBLIC_RELAY_URL'] ?? ''),
  },
  resolve: { alias: meshModules },
  // In one bundle of its own it would have a second copy of what takes the place of its modules.
  optimizeDeps: { exclude: ['y-webrtc'] },
  plugins: [
    sveltekit(),
    SvelteKitPWA({
      // SvelteKit builds with relative paths; a session's page would look for the service worker beside it.
      base: '/',
      scope: '/',
      registerType: 'prompt',
      injectRegister: false,
      manifest: {
        id: '/',
        name: 'Parley',
        short_name: 'Parley',
        description: 'A planning room that opens with a link.',
        start_url: '/',
        scope: '/',
        display: 'standalone',
        background_color: '#fbf9f5',
        theme_color: '#fbf9f5',
        categories: ['productivity', 'business'],
        icons: [
          { src: '/icons/192.png', sizes: '192x192', type: 'image/png' },
          { src: '/icons/512.png', sizes: '512x512', type: 'image/png' },
          { src: '/icons/maskable-192.png', sizes: '192x192', type: 'image/png', purpose: 'maskable' },
          { src: '/icons/maskable-512.png', sizes: '512x512', type: 'image/png', purpose: 'maskable' },
        ],
        shortcuts: [
          {
            name: 'New session',
            url: '/?new',
            icons: [{ src: '/icons/192.png', sizes: '192x192', type: 'image/png' }],
          },
        ],
      },
      kit: { adapterFallback: '/', spa: true },
      workbox: {
        globPatterns: ['client/**/*.{js,css,woff2,svg,png,webmanifest}'],
        navigateFallbackDenylist: [/^\/api\//, /^\/health$/, /^\/signaling/],
        cleanupOutdatedCaches: true,
        clientsClaim: true,
        importScripts: ['service-worker-routes.js'],
      },
    }),
  ],
  server: {
    proxy: Object.fromEntries(
      ['/api', '/health', '/signaling'].map((path) => [path, { target: 'http://localhost:8787', ws: true }]),
    ),
  },
});
