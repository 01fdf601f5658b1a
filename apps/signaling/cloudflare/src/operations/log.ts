import { TurnError } from '../ice/turn.ts';
import type { LlmRecord } from '../llm/record.ts';
import { VariableError } from '@parley/signaling/variables';

/**
 * Writes one line of JSON to the relay's log. Callers pass nothing that came from a request but the route that it
 * matched: no address, no query, no content.
 */
export function logError(route: string, error: unknown): void {
  const { name, stack } = error instanceof Error ? error : { name: typeof error, stack: undefined };
  // eslint-disable-next-line no-console -- the console is the Worker's log
  console.error(
    JSON.stringify({
      ...{ level: 'error', route, error: name },
      // A message can quote what was being read. These tell whoever deployed it a variable's name or a code; the stack cannot.
      ...(error instanceof VariableError || error instanceof TurnError ? { message: error.message } : {}),
      stack: stack?.split('\n').filter((line) => line.startsWith('    at ')),
    }),
  );
}

/** Writes what became of a question to the advisor: counts, codes and durations ([LLM18]). */
export function logQuestion(record: LlmRecord): void {
  // eslint-disable-next-line no-console -- the console is the Worker's log
  console.log(JSON.stringify({ level: 'info', llm: record }));
}

/** Writes what a job did, in numbers. */
export function logJob(job: string, numbers: Record<string, number | boolean>): void {
  // eslint-disable-next-line no-console -- the console is the Worker's log
  console.log(JSON.stringify({ level: 'info', job, ...numbers }));
}
