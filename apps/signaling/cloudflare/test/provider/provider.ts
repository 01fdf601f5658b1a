import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { BEHAVIOURS } from './behaviours.ts';
import { DEMONSTRATION } from './demonstration.ts';
import { fail } from './exchange.ts';
import { question } from './wire.ts';

const PATH = /^\/(([a-z]+)(\d*)-[\w-]+)\/(v1\/chat\/completions|v1\/models|seen|release)$/;

/** A request as it came, and what has become of it. `GET <origin>/<name>/seen` lists those that a name has had, in order. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  /** In the order they came, with names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  /** `cut`: this side closed the connection before the answer was over. */
  state: 'open' | 'answered' | 'cut' | 'closed by the other side';
}

/** What is known of a name, from its first use. */
interface Visits {
  readonly seen: Seen[];
  readonly released: PromiseWithResolvers<void>;
}

export interface ProviderOptions {
  /** 0, unless said otherwise, is any that is free. */
  readonly port?: number;
  /** The API key that every request has to bring. Without it none is needed. */
  readonly key?: string;
  /** Milliseconds between two words of the demonstration. */
  readonly paceMs?: number;
}

export interface Provider {
  /** Like `http://127.0.0.1:40001`. */
  readonly origin: string;
  stop(): Promise<void>;
}

/**
 * An AI provider without an AI: it speaks as OpenAI does, and behaves as its address says. Below
 * `<origin>/<behaviour>-<anything>/v1` are `chat/completions` and `models`; behaviours.ts has the behaviours. Besides,
 * `GET <origin>/<name>/seen` answers with {@link Seen}, and `POST <origin>/<name>/release` lets those go on that wait, from
 * then on.
 */
export async function startProvider({ port = 0, key, paceMs = 30 }: ProviderOptions = {}): Promise<Provider> {
  const visits = new Map<string, Visits>();
  const visitsOf = (name: string): Visits => {
    const those: Visits = visits.get(name) ?? { seen: [], released: Promise.withResolvers() };
    visits.set(name, those);
    return those;
  };
  // No connection ends by itself just when somebody is about to use it again.
  const server = createServer({ keepAliveTimeout: 0 }, (request, response) => {
    text(request).then(
      (body) => respond(request, response, body),
      () => response.destroy(),
    );
  });

  function respond(request: IncomingMessage, response: ServerResponse, body: string): void {
    const { method = '', url = '' } = request;
    const [, name = '', behaviour = '', number = '', what = ''] = PATH.exec(url) ?? [];
    const behave = BEHAVIOURS[behaviour];
    const route = `${method} ${what}`;
    if (!behave) return json(response, 404, { error: { message: 'There is no such address.' } });
    const { seen, released } = visitsOf(name);
    if (route === 'GET seen') return json(response, 200, seen);
    if (route === 'POST release') {
      released.resolve();
      return json(response, 200, {});
    }

    const visit: Seen = { method, path: url, headers: headersOf(request), body, state: 'open' };
    seen.push(visit);
    response.once('finish', () => (visit.state = 'answered'));
    response.once('close', () => {
      if (visit.state === 'open') visit.state = 'closed by the other side';
    });
    const authorization = request.headers.authorization ?? '';
    const secrets = `${authorization} at ${origin}`;
    if (key !== undefined && authorization !== `Bearer ${key}`) {
      return fail({ response, secrets }, 401, 'invalid_api_key');
    }
    if (route === 'GET v1/models') return json(response, 200, modelsOf(behaviour));
    const asked = route === 'POST v1/chat/completions' ? question.safeParse(parse(body)) : null;
    if (!asked?.success) return fail({ response, secrets }, 400, 'invalid_request');
    void behave({
      ...{ question: asked.data, name, number: number === '' ? null : Number(number) },
      ...{ count: seen.length, secrets, paceMs, response, released: released.promise },
      cut: () => {
        visit.state = 'cut';
        response.destroy();
      },
    });
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function headersOf({ rawHeaders }: IncomingMessage): [string, string][] {
  return Array.from({ length: rawHeaders.length / 2 }, (_, index) => [
    (rawHeaders[2 * index] ?? '').toLowerCase(),
    rawHeaders[2 * index + 1] ?? '',
  ]);
}

function modelsOf(behaviour: string): object {
  const owner = behaviour === DEMONSTRATION ? DEMONSTRATION : 'provider';
  const id = behaviour === DEMONSTRATION ? DEMONSTRATION : `${behaviour}-model`;
  return { object: 'list', data: [{ id, object: 'model', created: 1_763_000_000, owned_by: owner }] };
}

/** What a body holds; undefined if it is no JSON. */
function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function json(response: ServerResponse, status: number, answer: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer));
}
