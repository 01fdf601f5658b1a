/** The name of a session's database. */
export function databaseName(sessionId: string): string {
  return `parley/session/${sessionId}`;
}

/** The name of the database that keeps what this device knows of a session's mailbox. */
export function mailboxDatabaseName(sessionId: string): string {
  return `parley/mailbox/${sessionId}`;
}
