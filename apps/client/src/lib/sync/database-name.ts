/** The name of a session's database, and of the channel on which tabs tell each other what they committed. */
export function databaseName(sessionId: string): string {
  return `parley/session/${sessionId}`;
}
