import { CATALOGUE, type RelayProblemCode } from '../catalogue.ts';

/** OpenAI's names for kinds of errors, by status. */
const TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  402: 'insufficient_quota',
  403: 'permission_error',
  429: 'rate_limit_error',
};

/** What OpenAI's clients read of an error ([LLM1]): they show the message. */
export function openAiError(code: RelayProblemCode, parameter: string | null) {
  const { status, detail } = CATALOGUE[code];
  const type = TYPES[status] ?? (status >= 500 ? 'server_error' : 'invalid_request_error');
  return { message: detail, type, param: parameter, code };
}

/** An event that ends a stream with a problem. The empty line before it ends what was cut. */
export function problemEvent(code: RelayProblemCode): Uint8Array {
  return new TextEncoder().encode(`\n\ndata: ${JSON.stringify({ error: openAiError(code, null) })}\n\n`);
}
