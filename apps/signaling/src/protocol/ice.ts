import * as z from 'zod/mini';

/** Tells a device its public address where the relay names no other server. The relay's operator already sees that address. */
export const DEFAULT_STUN_URL = 'stun:stun.cloudflare.com:3478';

/** Largest answer that is read, in bytes. */
export const ICE_ANSWER_LIMIT = 65_536;

/** What a STUN or TURN URL (RFC 7064, RFC 7065) names. */
export interface IceUrl {
  /** `turn`: passes on what browsers say to each other. `stun`: only tells one its public address. */
  readonly kind: 'stun' | 'turn';
  /** Null where it is the scheme's own. */
  readonly port: number | null;
}

const URL_FORM =
  /^(stun|turn)s?:(?:[a-z\d](?:[a-z\d.-]*[a-z\d])?|\[[a-f\d:.]+\])(?::(\d{1,5}))?(\?transport=(?:udp|tcp))?$/i;

/** A STUN or TURN URL in a spelling that every browser takes, and null for any other text: `RTCPeerConnection` throws at it. */
export function parseIceUrl(text: string): IceUrl | null {
  const [, scheme, digits, transport] = URL_FORM.exec(text) ?? [];
  if (scheme === undefined) return null;
  const kind = scheme.toLowerCase() === 'turn' ? 'turn' : 'stun';
  const port = digits === undefined ? null : Number(digits);
  if (port === 0 || (port ?? 0) > 65_535 || (kind === 'stun' && transport !== undefined)) return null;
  return { kind, port };
}

/** Names and passwords of TURN have less than 509 bytes (RFC 8489 §14.3), and browsers take no empty ones. */
const secret = z.exactOptional(z.string().check(z.regex(/^[!-~]{1,508}$/)));

/** One of WebRTC's `RTCIceServer`s. One that lists a TURN server has a name and a password. */
const iceServer = z
  .object({
    urls: z
      .array(
        z.string().check(
          z.maxLength(300),
          z.refine((url) => parseIceUrl(url) !== null),
        ),
      )
      .check(z.minLength(1), z.maxLength(16)),
    username: secret,
    credential: secret,
  })
  .check(
    z.refine(
      ({ urls, username, credential }) =>
        !urls.some(isTurnUrl) || (username !== undefined && credential !== undefined),
    ),
  );

/** The answer to `GET /api/ice`. */
export const iceAnswer = z.object({
  iceServers: z.array(iceServer).check(z.maxLength(16)),
  /** Until when it is worth keeping, in milliseconds since 1970 by the relay's clock; null for as long as one likes. */
  expires: z.nullable(z.int()),
});

export type IceServer = z.infer<typeof iceServer>;
export type IceAnswer = z.infer<typeof iceAnswer>;

export function isTurnUrl(url: string): boolean {
  return parseIceUrl(url)?.kind === 'turn';
}
