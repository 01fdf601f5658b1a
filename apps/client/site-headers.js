import { createHash } from 'node:crypto';
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const build = new URL('build/', import.meta.url).pathname;

/**
 * Wraps the Cloudflare adapter: after it has written `build/`, the page gets its font preloads and `_headers` gets
 * the security headers, with the hash of the one inline script that SvelteKit writes into the page.
 *
 * @param {import('@sveltejs/kit').Adapter} adapter
 * @param {{ relayUrl?: string | undefined }} options `relayUrl`: the relay's origin when it does not serve this client
 * @returns {import('@sveltejs/kit').Adapter}
 */
export function withSiteHeaders(adapter, { relayUrl }) {
  return {
    ...adapter,
    async adapt(builder) {
      await adapter.adapt(builder);
      const page = join(build, 'index.html');
      const html = preloadFonts(readFileSync(page, 'utf8'));
      writeFileSync(page, html);
      appendFileSync(join(build, '_headers'), siteHeaders(html, relayUrl));
    },
  };
}

/** The latin faces are wanted by the first paint of every page; the other subsets load when a text needs them. */
function preloadFonts(/** @type {string} */ html) {
  const assets = '_app/immutable/assets';
  const links = readdirSync(join(build, assets))
    .filter((file) => /^(figtree|source-serif-4)-latin-wght-normal\..*woff2$/.test(file))
    .map(
      (file) => `<link rel="preload" href="/${assets}/${file}" as="font" type="font/woff2" crossorigin />`,
    );
  if (links.length !== 2)
    throw new Error(`expected two latin font faces in the build, found ${links.length}`);
  return html.replace('</head>', `${links.join('')}</head>`);
}

function siteHeaders(/** @type {string} */ html, /** @type {string | undefined} */ relayUrl) {
  const scripts = [...html.matchAll(/<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g)].map(
    ([, body]) =>
      `'sha256-${createHash('sha256')
        .update(body ?? '')
        .digest('base64')}'`,
  );
  const relay = relayUrl ? [new URL(relayUrl).origin, new URL(relayUrl).origin.replace(/^http/, 'ws')] : [];
  const policy = [
    "default-src 'none'",
    `script-src 'self' ${scripts.join(' ')}`,
    // Svelte and ProseMirror set style attributes; no <style> element and no foreign sheet is let in.
    "style-src 'self'",
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    `connect-src ${["'self'", ...relay].join(' ')}`,
    "manifest-src 'self'",
    "worker-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  return `
/*
  Content-Security-Policy: ${policy}
  Cross-Origin-Opener-Policy: same-origin
  Cross-Origin-Resource-Policy: same-origin
  Permissions-Policy: camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()
  Referrer-Policy: no-referrer
  Strict-Transport-Security: max-age=31536000
  X-Content-Type-Options: nosniff
/
  Cache-Control: no-cache
/sw.js
  Cache-Control: no-cache
/manifest.webmanifest
  Cache-Control: no-cache
`;
}
