/** Longest address of a link, in UTF-16 code units. */
export const ADDRESS_LIMIT = 2000;

/** What a typed address turned out to be: where it leads, or a sentence that says why it cannot be a link. */
type Address = { readonly href: string } | { readonly problem: string };

const WEB = /^https?:\/\//i;
const CONTACT = /^(?:mailto|tel):\S/i;
/** Browsers strip some of these before they read the scheme; the bidirectional ones make an address look like another. */
const DISGUISE = /[\s\\\p{Cc}\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/u;
const SCHEME = /^[a-z][a-z0-9+.-]*:/i;
const HOST_AND_PORT = /^(?:[^\s/?#:@]+\.[^\s/?#:@]+|localhost):\d{1,5}(?:[/?#]|$)/i;
const MAIL = /^[^\s@/:?#]+@[^\s@/:?#]+\.[^\s@/:?#]+$/;
const BARE = /^(?:https?:\/\/|mailto:|tel:|www\.)\S+$/i;

/**
 * The address of a link that may be followed: http, https, mailto or tel, without anything that a browser would read differently
 * from a person. The schemes are a list of the allowed, never of the forbidden.
 *
 * @returns the address without surrounding space, or null
 */
export function safeHref(text: unknown): string | null {
  if (typeof text !== 'string' || text.length > ADDRESS_LIMIT) return null;
  const address = text.trim();
  if (DISGUISE.test(address)) return null;
  if (CONTACT.test(address)) return address;
  return WEB.test(address) && URL.canParse(address) ? address : null;
}

/** Reads what a person typed or pasted as an address, adding the scheme that people leave out. */
export function readAddress(text: string): Address {
  const typed = text.trim();
  if (typed === '') return { problem: 'Type where the link should lead.' };
  if (typed.length > ADDRESS_LIMIT)
    return { problem: `Shorten the address to ${ADDRESS_LIMIT} characters or fewer.` };
  const href = safeHref(typed);
  if (href !== null) return { href };
  if (SCHEME.test(typed) && !WEB.test(typed) && !CONTACT.test(typed) && !HOST_AND_PORT.test(typed)) {
    return {
      problem: 'A link can lead to a web page (https), a mail address (mailto) or a phone number (tel).',
    };
  }
  const completed = safeHref(complete(typed));
  return completed === null
    ? { problem: 'This is not an address. Try one like example.org/page or name@example.org.' }
    : { href: completed };
}

/** Where a pasted text leads when it is nothing but an address, such as `https://…` or `www.…`; otherwise null. */
export function readBareAddress(text: string): string | null {
  const pasted = text.trim();
  if (!BARE.test(pasted)) return null;
  const address = readAddress(pasted);
  return 'href' in address ? address.href : null;
}

function complete(typed: string): string {
  if (MAIL.test(typed)) return `mailto:${typed}`;
  const rest = typed.replace(/^\/\//, '');
  const host = rest.split(/[/?#:]/, 1)[0] ?? '';
  return host.includes('.') || host.toLowerCase() === 'localhost' ? `https://${rest}` : '';
}
