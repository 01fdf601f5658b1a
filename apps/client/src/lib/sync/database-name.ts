/** The name of a session's database, and of the channel on which tabs tell each other what they committed. */
export function databaseName(sessionId: string): string {
  return `parley/session/${sessionId}`;
}

/** The name of the database that keeps what this device knows of a session's mailbox, and of the lock on it. */
export function mailboxDatabaseName(sessionId: string): string {
  return `parley/mailbox/${sessionId}`;
}
