import { describeProblem, PROBLEM_TYPE } from '@parley/signaling/problems';
import { CATALOGUE, type RelayProblemCode } from './catalogue.ts';
import type { RelayProblem } from './relay-problem.ts';

/**
 * A problem document. It is never cached and never tells what was asked, or why it went wrong inside.
 *
 * @param more members besides those of every document (RFC 9457, section 3.2)
 */
export function problem(
  code: RelayProblemCode,
  headers: Record<string, string> = {},
  more: object = {},
): Response {
  const document = describeProblem(code, CATALOGUE[code]);
  return Response.json(
    { ...document, ...more },
    {
      status: document.status,
      headers: { ...headers, 'Cache-Control': 'no-store', 'Content-Type': PROBLEM_TYPE },
    },
  );
}

/** What a client is asked for with the answer (RFC 6750), by code. */
const CHALLENGES: { readonly [Code in RelayProblemCode]?: string } = {
  'access/token-missing': 'Bearer',
  'access/token-malformed': 'Bearer error="invalid_token"',
  'access/token-expired': 'Bearer error="invalid_token"',
  'access/token-audience': 'Bearer error="invalid_token"',
  'access/scope': 'Bearer error="insufficient_scope"',
};

/** The document for a problem that was thrown. */
export function answerProblem({ code, retryAfter }: RelayProblem, more?: object): Response {
  const challenge = CHALLENGES[code];
  const headers = {
    ...(challenge === undefined ? {} : { 'WWW-Authenticate': challenge }),
    ...(retryAfter === null ? {} : { 'Retry-After': String(retryAfter) }),
  };
  return problem(code, headers, more);
}
