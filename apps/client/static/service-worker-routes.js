// What is asked of a relay goes past the service worker: Chromium sends a request that outlives its page only if no worker has to be
// asked about it first ([SY24]). Where a browser has no routes, it is as it was.
addEventListener('install', (event) => {
  event.addRoutes?.({ condition: { urlPattern: new URLPattern({ pathname: '/api/*' }) }, source: 'network' });
});
