import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { CATALOGUE, type RelayProblemCode } from '../src/catalogue.ts';
import { expect, inject } from 'vitest';
import type { Env } from '../src/env.ts';
import worker from '../src/worker.ts';
import { Author, RELAY_ORIGIN } from './author.ts';

/** The API key that the relay brings its providers: what must be found nowhere else. */
export const PROVIDER_KEY = 'sk-canary-of-the-providers-key';

/** A request that a provider has got, and what has become of it; see provider/provider.ts. */
interface Seen {
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  readonly state: 'open' | 'answered' | 'cut' | 'closed by the other side';
}

/** The variables of a relay whose providers are those that the test provider has under these names, in order. All have the model `model`. */
export function withProviders(...names: string[]): Partial<Env> {
  const providers = names.map((name) => ({
    ...{ name: name.toLowerCase(), baseUrl: addressOf(name), apiKey: PROVIDER_KEY, models: ['model'] },
  }));
  return {
    ...{ LLM_UPSTREAMS: JSON.stringify(providers), ADVISOR_ACCESS: 'open', LLM_DAILY_TOKENS: '1000000000' },
    ...{ LLM_DAILY_USD: '10000', LLM_STREAMS: '1000' },
  };
}

export function addressOf(name: string): string {
  return `${inject('llmProvider')}/${name}/v1`;
}

/** What a provider of this name has been asked. */
export async function seenBy(name: string): Promise<Seen[]> {
  return (await fetch(`${inject('llmProvider')}/${name}/seen`)).json();
}

/** Lets a provider go on that waits. */
export async function release(name: string): Promise<void> {
  await fetch(`${inject('llmProvider')}/${name}/release`, { method: 'POST' });
}

/** What a client sends, besides its body. */
export interface Sent {
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
  readonly method?: string;
  readonly path?: string;
}

/** Somebody who may write in a session of its own and asks the advisor of a relay with these variables. */
export class Asker {
  readonly author: Author;
  readonly bindings: Partial<Env>;
  readonly #work: ExecutionContext[] = [];

  static async create(bindings: Partial<Env>): Promise<Asker> {
    return new Asker(await Author.create(), bindings);
  }

  constructor(author: Author, bindings: Partial<Env>) {
    this.author = author;
    this.bindings = bindings;
  }

  /** The same person at a relay with other variables. */
  at(bindings: Partial<Env>): Asker {
    return new Asker(this.author, { ...this.bindings, ...bindings });
  }

  /** A token as a client makes it for an OpenAI client. */
  token(): Promise<string> {
    return this.author.token('writer', { scope: undefined });
  }

  /** Any request to the advisor's routes. */
  async send(body: BodyInit | null, sent: Sent = {}): Promise<Response> {
    const { headers = {}, method = 'POST', path = '/v1/chat/completions', signal = null } = sent;
    const request = new Request(`${RELAY_ORIGIN}/api/llm${path}`, {
      ...{ method, body, signal },
      headers: { Authorization: `Bearer ${await this.token()}`, ...headers },
    });
    return this.pass(request);
  }

  /** A request as it is. */
  pass(request: Request): Promise<Response> {
    const ctx = createExecutionContext();
    this.#work.push(ctx);
    return Promise.resolve(worker.fetch(request, { ...env, ...this.bindings }, ctx));
  }

  /** A question, of a few words unless said otherwise. */
  ask(body: object = {}, sent: Sent = {}): Promise<Response> {
    const messages = [{ role: 'user', content: 'Hello there' }];
    return this.send(JSON.stringify({ model: 'model', messages, ...body }), sent);
  }

  stream(body: object = {}, sent: Sent = {}): Promise<Response> {
    return this.ask({ stream: true, ...body }, sent);
  }

  /** Resolves when all that goes on behind the answers is done. */
  async settled(): Promise<void> {
    for (const ctx of this.#work.splice(0)) await waitOnExecutionContext(ctx);
  }

  /** What of the session's tokens is counted, and how many answers are being given, once all is settled. */
  async usage(): Promise<{ tokens: number; usd: number; streams: number; questions: number }> {
    await this.settled();
    const response = await this.send(null, { method: 'GET', path: '/usage' });
    expect(response.status).toBe(200);
    const { session } = await response.json<{
      session: Record<'tokens' | 'usd' | 'streams', { taken: number }> & { questions: number };
    }>();
    const { tokens, usd, streams, questions } = session;
    return { tokens: tokens.taken, usd: usd.taken, streams: streams.taken, questions };
  }
}

/** Expects the problem document of a code, with what OpenAI's clients read. */
export async function expectProblem(
  response: Response,
  code: RelayProblemCode,
  parameter?: string,
): Promise<void> {
  const { status, title, detail } = CATALOGUE[code];
  const param = parameter ?? null;
  expect(await response.json()).toEqual({
    ...{ type: 'about:blank', title, status, detail, code },
    ...(parameter === undefined ? {} : { parameter }),
    error: { message: detail, type: expect.stringMatching(/^[a-z_]+$/), param, code },
  });
  expect(response.status).toBe(status);
  expect(response.headers.get('Content-Type')).toBe('application/problem+json');
  expect(response.headers.get('Cache-Control')).toBe('no-store');
  expect(response.headers.get('x-request-id')).toMatch(/^req_[0-9a-f-]{36}$/);
}
