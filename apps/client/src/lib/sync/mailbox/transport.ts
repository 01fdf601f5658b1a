import {
  appendAnswer,
  decodeLog,
  encodeAppend,
  MAILBOX_LIMITS,
  snapshotAnswer,
} from '@parley/signaling/mailbox';
import { PROBLEMS, type ProblemCode } from '@parley/signaling/problems';
import { accessHeaders } from '../access.ts';
import { KEEPALIVE_LIMIT } from './leaving.ts';
import { MailboxRefusal, type MailboxTransport } from './ports.ts';
import type { TokenSource } from './token.ts';

export interface TransportOptions {
  /** The relay's origin. */
  readonly relay: string;
  readonly sessionId: string;
  readonly tokens: TokenSource;
  /** The access key of a private relay, at the moment; null for none. */
  readonly access: () => string | null;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** The page is going away: what is small enough is sent on behind its back. */
  readonly isLeaving?: () => boolean;
  /** How long the relay may be silent before it is given up, in milliseconds. */
  readonly patience?: number;
}

/** How long nothing may come from the relay, in milliseconds. */
const PATIENCE = 30_000;

/** How slow a connection may be on which something large is sent, in bytes a millisecond: 32 MiB then take 17 minutes. */
const SLOWEST = 32;

/** Largest answer that is read, in bytes: a pull has one large envelope at most, or a snapshot and a few small ones. */
const ANSWER_LIMIT = 2 * MAILBOX_LIMITS.requestBytes;

/** The mailbox's routes over HTTP. Whatever goes wrong becomes a {@link MailboxRefusal}. */
export class HttpTransport implements MailboxTransport {
  readonly #options: TransportOptions;
  /** Ends what is under way. */
  #underWay = new AbortController();

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  giveUp(): void {
    this.#underWay.abort();
    this.#underWay = new AbortController();
  }

  async pull(after: number, epoch: string | null) {
    const query = new URLSearchParams({ after: String(after), ...(epoch === null ? {} : { epoch }) });
    const log = decodeLog(await this.#ask('GET', `log?${query}`));
    if (!log) throw new MailboxRefusal('relay/nonsense');
    return log;
  }

  async append(envelopes: readonly Uint8Array<ArrayBuffer>[]) {
    const answer = await this.#ask('POST', 'log', encodeAppend(envelopes));
    const { data } = appendAnswer.safeParse(parseJson(answer));
    if (data?.seqs.length !== envelopes.length) throw new MailboxRefusal('relay/nonsense');
    return data;
  }

  prepare(): void {
    // Why there is none, the request will say.
    this.#options.tokens.token().catch(() => undefined);
  }

  async putSnapshot(envelope: Uint8Array<ArrayBuffer>) {
    const { data } = snapshotAnswer.safeParse(parseJson(await this.#ask('PUT', 'snapshot', envelope)));
    if (!data) throw new MailboxRefusal('relay/nonsense');
    return data;
  }

  async #ask(
    method: 'GET' | 'POST' | 'PUT',
    route: string,
    body?: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const underWay = this.#underWay.signal;
    try {
      return await this.#askOnce(method, route, underWay, body);
    } catch (error) {
      // The answer has corrected the clock, so the next token is good, unless that was not the reason.
      if (!(error instanceof MailboxRefusal) || error.code !== 'access/token-expired') throw error;
      this.#options.tokens.renew();
      return this.#askOnce(method, route, underWay, body);
    }
  }

  async #askOnce(
    method: 'GET' | 'POST' | 'PUT',
    route: string,
    underWay: AbortSignal,
    body: Uint8Array<ArrayBuffer> = new Uint8Array(),
  ): Promise<Uint8Array<ArrayBuffer>> {
    const {
      relay,
      sessionId,
      tokens,
      access,
      now,
      isLeaving = () => false,
      patience = PATIENCE,
    } = this.#options;
    const silence = new Silence(patience);
    try {
      const token = await tokens.token();
      silence.allow(body.length / SLOWEST);
      const response = await fetch(`${relay}/api/sessions/${sessionId}/${route}`, {
        method,
        headers: {
          Authorization: `Bearer ${token}`,
          ...accessHeaders(access()),
          ...(method === 'GET' ? {} : { 'Content-Type': 'application/octet-stream' }),
        },
        ...(method === 'GET' ? {} : { body }),
        cache: 'no-store',
        credentials: 'omit',
        // What redirects is not the relay: a captive portal.
        redirect: 'manual',
        referrerPolicy: 'no-referrer',
        keepalive: isLeaving() && body.length <= KEEPALIVE_LIMIT,
        signal: AbortSignal.any([silence.signal, underWay]),
      });
      tokens.correctClock(response.headers.get('Date'));
      const answer = await readAll(response, silence);
      if (response.ok) return answer;
      const code = readProblem(response, answer);
      if (!code) throw new MailboxRefusal('relay/nonsense');
      throw new MailboxRefusal(code, readRetryAfter(response.headers, now()));
    } catch (error) {
      if (error instanceof MailboxRefusal) throw error;
      throw new MailboxRefusal('relay/unreachable', null, { cause: error });
    } finally {
      silence.end();
    }
  }
}

/** Aborts what the relay has left without a byte for too long. The time that something large takes is no silence. */
class Silence {
  readonly #controller = new AbortController();
  readonly #patience: number;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(patience: number) {
    this.#patience = patience;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Begins to wait anew, and for `extra` milliseconds more. */
  allow(extra = 0): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => this.#controller.abort(new DOMException('the relay is silent', 'TimeoutError')),
      this.#patience + extra,
    );
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

async function readAll(response: Response, silence: Silence): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let size = 0;
  const reader = response.body?.getReader();
  for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) {
    silence.allow();
    size += read.value.length;
    if (size > ANSWER_LIMIT) {
      await reader?.cancel();
      throw new MailboxRefusal('relay/nonsense');
    }
    parts.push(read.value);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The code of a problem document (RFC 9457); null when the answer is none that this relay gives. */
function readProblem(response: Response, answer: Uint8Array): ProblemCode | null {
  if (!/^application\/problem\+json\b/.test(response.headers.get('Content-Type') ?? '')) return null;
  const document = parseJson(answer);
  if (typeof document !== 'object' || document === null || !('code' in document)) return null;
  const { code } = document;
  return typeof code === 'string' && Object.hasOwn(PROBLEMS, code) ? (code as ProblemCode) : null;
}

/** `Retry-After` in milliseconds: seconds, or a date by the relay's own clock (RFC 9110 §10.2.3). */
function readRetryAfter(headers: Headers, now: number): number | null {
  const text = headers.get('Retry-After')?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  // Date.parse takes much for a date, also a number below zero.
  const until = text.endsWith('GMT') ? Date.parse(text) : NaN;
  const asked = Date.parse(headers.get('Date') ?? '');
  return Number.isNaN(until) ? null : Math.max(0, until - (Number.isNaN(asked) ? now : asked));
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
