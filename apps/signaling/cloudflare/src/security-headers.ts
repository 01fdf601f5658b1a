import type { MiddlewareHandler } from 'hono';

/** For answers that are data. The client's files bring a policy of their own, which wins. */
const SECURITY_HEADERS = {
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()',
  'Referrer-Policy': 'no-referrer',
  'Strict-Transport-Security': 'max-age=31536000',
  'X-Content-Type-Options': 'nosniff',
};

/** Gives every response the security headers that it does not bring itself. */
export const securityHeaders: MiddlewareHandler = async (c, next) => {
  await next();
  const missing = Object.entries(SECURITY_HEADERS).filter(([name]) => !c.res.headers.has(name));
  const [first, ...others] = missing;
  if (!first) return;
  // This makes a response of its own, whose headers can be changed. It would do so for each of them.
  c.header(...first);
  for (const [name, value] of others) c.res.headers.set(name, value);
};
