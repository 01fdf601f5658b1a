/**
 * What the relay may answer instead of what was asked for: the stable `code` of a problem document (RFC 9457), its
 * HTTP status, that status in words, and a sentence for people.
 */
export const PROBLEMS = {
  'relay/internal-error': {
    status: 500,
    title: 'Internal Server Error',
    detail: 'The relay made a mistake. Try again in a while.',
  },
  'relay/not-found': {
    status: 404,
    title: 'Not Found',
    detail: 'There is nothing at this address.',
  },
  'relay/upgrade-required': {
    status: 426,
    title: 'Upgrade Required',
    detail: 'This address speaks WebSocket only.',
  },
} as const;

export type ProblemCode = keyof typeof PROBLEMS;

/** A problem document. It is never cached and never tells what was asked, or why it went wrong inside. */
export function problem(code: ProblemCode, headers: Record<string, string> = {}): Response {
  const { status, title, detail } = PROBLEMS[code];
  return Response.json(
    { type: 'about:blank', title, status, detail, code },
    {
      status,
      headers: { ...headers, 'Cache-Control': 'no-store', 'Content-Type': 'application/problem+json' },
    },
  );
}
