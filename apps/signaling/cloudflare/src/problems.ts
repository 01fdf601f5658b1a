import { PROBLEMS, type ProblemCode } from '@parley/signaling/problems';

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
