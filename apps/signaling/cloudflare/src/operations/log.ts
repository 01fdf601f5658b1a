/**
 * Writes one line of JSON to the relay's log. Callers pass nothing that came from a request but the route that it
 * matched: no address, no query, no content.
 */
export function logError(route: string, error: Error): void {
  // A message can quote what was being read; the stack below it cannot.
  const stack = error.stack?.split('\n').filter((line) => line.startsWith('    at '));
  // eslint-disable-next-line no-console -- the console is the Worker's log
  console.error(JSON.stringify({ level: 'error', route, error: error.name, stack }));
}
