import {
  DEFAULT_STUN_URL,
  ICE_ANSWER_LIMIT,
  iceAnswer,
  isTurnUrl,
  type IceServer,
} from '@parley/signaling/ice';
import { accessHeaders } from '../access.ts';
import { pauseBefore } from '../back-off.ts';
import type { TokenSource } from '../mailbox/token.ts';
import type { Surroundings } from '../surroundings.ts';

export interface IceOptions {
  /** The relay's origin. */
  readonly relay: string;
  readonly tokens: Pick<TokenSource, 'token' | 'renew' | 'correctClock'>;
  /** The access key of a private relay, at the moment; null for none. */
  readonly access: () => string | null;
  readonly surroundings: Pick<Surroundings, 'now' | 'after' | 'random'>;
  readonly fetch: typeof globalThis.fetch;
}

/** How long a connection waits for the relay's answer, in milliseconds. */
const PATIENCE = 3_000;

/** When an answer that has not come is given up, in milliseconds. */
const GIVEN_UP_AFTER = 15_000;

/** The part of its life for which an answer is used: who connects with it then has at least the rest. */
const USED_FOR = 5 / 6;

/** How long an answer is used at least, in milliseconds, whatever it says: nobody asks for every connection. */
const USED_AT_LEAST = 60_000;

/** The servers for who was told none. */
const DEFAULT: readonly IceServer[] = [{ urls: [DEFAULT_STUN_URL] }];

/** An answer, with times by this device's clock, in milliseconds since 1970. */
interface Known {
  readonly servers: readonly IceServer[];
  readonly since: number;
  readonly usedUntil: number;
  readonly end: number;
}

/**
 * The servers that help this browser to connect to others, as the relay tells them ([IC7]–[IC9]). Nothing is asked before a connection
 * wants to know.
 */
export class IceSource {
  readonly #options: IceOptions;
  #known: Known | null = null;
  /** The question that is under way, for as long as anybody should wait for its answer. */
  #asking: Promise<void> | null = null;
  /** Questions since the last answer. */
  #failures = 0;
  #isPausing = false;

  constructor(options: IceOptions) {
    this.#options = options;
  }

  /**
   * What to make a connection with, within three seconds. It never rejects: without an answer it is the default STUN server.
   *
   * @param relayOnly the others are not to learn this device's addresses: connections go through TURN servers, and null says
   *   that there are none, so that no connection may be made now
   */
  async configuration(relayOnly: boolean): Promise<RTCConfiguration | null> {
    const servers = await this.#servers();
    if (!relayOnly) return { iceServers: [...servers] };
    const relays = servers.filter(({ urls }) => urls.some(isTurnUrl));
    return relays.length === 0 ? null : { iceServers: relays, iceTransportPolicy: 'relay' };
  }

  /** The relay may answer otherwise than before: who wants to know next asks at once. */
  retry(): void {
    this.#failures = 0;
    this.#isPausing = false;
  }

  async #servers(): Promise<readonly IceServer[]> {
    const { now } = this.#options.surroundings;
    if (!isWithin(now(), this.#known, 'usedUntil') && !this.#isPausing) {
      this.#asking ??= this.#askPatiently();
      await this.#asking;
    }
    return isWithin(now(), this.#known, 'end') ? this.#known.servers : DEFAULT;
  }

  /** An answer that comes later is for the next connection. */
  #askPatiently(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.surroundings.after(PATIENCE, resolve);
      void this.#ask().finally(() => {
        cancel();
        this.#asking = null;
        resolve();
      });
    });
  }

  async #ask(): Promise<void> {
    const { after, random } = this.#options.surroundings;
    const underWay = new AbortController();
    const cancel = after(GIVEN_UP_AFTER, () => underWay.abort());
    try {
      this.#known = await this.#request(underWay.signal);
      this.#failures = 0;
    } catch {
      // Whatever the reason is, connections are tried without, and the next one after the pause asks again.
      this.#isPausing = true;
      after(pauseBefore(this.#failures++, random), () => {
        this.#isPausing = false;
      });
    } finally {
      cancel();
    }
  }

  async #request(underWay: AbortSignal): Promise<Known> {
    let response = await this.#send(underWay);
    if (response.status === 401) {
      await response.body?.cancel();
      // The answer has corrected the clock, so the next token is good, unless that was not the reason.
      this.#options.tokens.renew();
      response = await this.#send(underWay);
    }
    if (!response.ok || !response.body) {
      await response.body?.cancel();
      throw new TypeError('not an answer');
    }
    const json: unknown = await new Response(response.body.pipeThrough(limitTo(ICE_ANSWER_LIMIT))).json();
    const { iceServers, expires } = iceAnswer.parse(json);
    const since = this.#options.surroundings.now();
    // The relay's clock says how long that is; the device's own may be wrong.
    const asked = Date.parse(response.headers.get('Date') ?? '');
    const life = expires === null ? Infinity : expires - (Number.isNaN(asked) ? since : asked);
    const usedFor = Math.max(USED_AT_LEAST, life * USED_FOR);
    return { servers: iceServers, since, usedUntil: since + usedFor, end: since + Math.max(usedFor, life) };
  }

  async #send(underWay: AbortSignal): Promise<Response> {
    const { relay, tokens, access, fetch } = this.#options;
    const response = await fetch(`${relay}/api/ice`, {
      headers: { Authorization: `Bearer ${await tokens.token('ice')}`, ...accessHeaders(access()) },
      cache: 'no-store',
      credentials: 'omit',
      // What redirects is not the relay: a captive portal.
      redirect: 'manual',
      referrerPolicy: 'no-referrer',
      signal: underWay,
    });
    tokens.correctClock(response.headers.get('Date'));
    return response;
  }
}

/** A clock that was set back makes an answer that is yet to come. */
function isWithin(now: number, known: Known | null, until: 'usedUntil' | 'end'): known is Known {
  return known !== null && now >= known.since && now < known[until];
}

/** Fails what is larger than so many bytes. */
function limitTo(limit: number): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  let size = 0;
  return new TransformStream({
    transform(piece, controller) {
      size += piece.length;
      if (size > limit) throw new RangeError('too large');
      controller.enqueue(piece);
    },
  });
}
