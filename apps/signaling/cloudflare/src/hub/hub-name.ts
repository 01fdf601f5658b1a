/** The name of the object that is the hub of a session, where so many share the sessions. */
export function hubNameOf(sessionId: string | undefined, shards: number): string {
  if (sessionId === undefined || shards === 1) return 'global-signaling';
  return `signaling-${hash(sessionId) % shards}`;
}

/** FNV-1a of 32 bits. Who makes session ids so that they meet in one shard gains nothing: a session does as well. */
function hash(text: string): number {
  let sum = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    sum = Math.imul(sum ^ text.charCodeAt(index), 0x01000193);
  }
  return sum >>> 0;
}
