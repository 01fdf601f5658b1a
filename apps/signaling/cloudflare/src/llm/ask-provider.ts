import { readBody } from '../mailbox/request-body.ts';
import { RelayProblem } from '../relay-problem.ts';
import { BROKEN_OFF, failureOf, NONSENSE, SILENT, UNREACHED, type Failure } from './failures.ts';
import type { Provider } from './providers.ts';

/** Puts a question to a provider. What it answers with has the form of an answer to `fetch`. */
export type CallProvider = (
  provider: Provider,
  body: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
) => Promise<Response>;

/** An answer that has begun. */
export interface Answer {
  readonly first: Uint8Array;
  readonly rest: ReadableStreamDefaultReader<Uint8Array>;
  /** Ends the connection to the provider. */
  readonly close: () => void;
}

/** The most that is read of what a provider says of a failure, in bytes. */
const FAILURE_BYTES = 65_536;

/** The client has gone before its answer began. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone';
  /** Whether a provider had been asked by then, which may cost all that its answer can. */
  readonly wasAsked: boolean;

  constructor(wasAsked: boolean, options?: ErrorOptions) {
    super('', options);
    this.wasAsked = wasAsked;
  }
}

/**
 * Puts a question to a provider and waits for the first byte of its answer ([LLM5]).
 *
 * @param client ends it, when the client goes
 * @param startWithin milliseconds
 * @throws {ClientGone}
 */
export async function askProvider(
  call: CallProvider,
  provider: Provider,
  body: Readonly<Record<string, unknown>>,
  { client, startWithin, now }: { client: AbortSignal; startWithin: number; now: () => number },
): Promise<Answer | Failure> {
  const connection = new AbortController();
  let isLate = false;
  let wasAsked = false;
  let hasAgreed = false;
  const close = () => connection.abort();
  const timer = setTimeout(() => {
    isLate = true;
    close();
  }, startWithin);
  client.addEventListener('abort', close);
  try {
    // An aborted signal tells nobody any more.
    if (client.aborted) throw new ClientGone(wasAsked);
    wasAsked = true;
    const response = await call(provider, body, connection.signal);
    if (!response.ok) return await readFailure(response, now());
    hasAgreed = true;
    const wanted = body['stream'] === true ? 'text/event-stream' : 'application/json';
    if (!response.body || !response.headers.get('Content-Type')?.toLowerCase().startsWith(wanted)) {
      close();
      return NONSENSE;
    }
    const rest: ReadableStreamDefaultReader<Uint8Array> = response.body.getReader();
    const { done, value } = await rest.read();
    if (done) return NONSENSE;
    return {
      first: value,
      rest,
      close() {
        close();
        // Where the signal does not reach. What was cut off already has nothing to cancel.
        void rest.cancel().catch(() => undefined);
      },
    };
  } catch (error) {
    if (client.aborted) throw new ClientGone(wasAsked, { cause: error });
    if (isLate) return SILENT;
    return hasAgreed ? BROKEN_OFF : UNREACHED;
  } finally {
    clearTimeout(timer);
    client.removeEventListener('abort', close);
  }
}

/** OpenAI’s endpoint for questions, below a base URL. */
export const callOpenAi: CallProvider = ({ baseUrl, apiKey }, body, signal) =>
  fetch(`${baseUrl}/chat/completions`, {
    method: 'POST',
    // Nothing of what the client sent ([LLM9]).
    headers: {
      Accept: body['stream'] === true ? 'text/event-stream' : 'application/json',
      // Compressed, pieces would come late, and together.
      'Accept-Encoding': 'identity',
      'Content-Type': 'application/json',
      ...(apiKey === null ? {} : { Authorization: `Bearer ${apiKey}` }),
    },
    body: JSON.stringify(body),
    // Wherever it would lead is not where the key belongs.
    redirect: 'manual',
    signal,
  });

async function readFailure(response: Response, now: number): Promise<Failure> {
  const { status } = response;
  let code: string | null = null;
  // Of the others, the status says enough, also where the rest broke off and has nothing to cancel.
  if (status >= 400 && status < 500) code = await readErrorCode(response.body);
  else void response.body?.cancel().catch(() => undefined);
  return failureOf(status, response.headers.get('Retry-After'), code, now);
}

async function readErrorCode(body: Response['body']): Promise<string | null> {
  try {
    const text = new TextDecoder().decode(await readBody(body, FAILURE_BYTES));
    const { error } = JSON.parse(text) as { readonly error?: { readonly code?: unknown } | null };
    return typeof error?.code === 'string' ? error.code : null;
  } catch (error) {
    // It says nothing that can be read, which is an answer too.
    if (error instanceof SyntaxError || error instanceof TypeError || error instanceof RelayProblem)
      return null;
    throw error;
  }
}
