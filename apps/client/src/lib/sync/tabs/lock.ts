/** What asks for locks: the browser's, or a simulation's. */
export type Locks = Pick<LockManager, 'request'>;

/** What becomes of a request for a lock. */
export interface LockListener {
  granted(): void;
  /** It was stolen, perhaps before this tab knew that it had it. */
  lost(): void;
  /** The browser gives no locks here. */
  refused(): void;
}

/**
 * Asks for an exclusive lock.
 *
 * @param steal takes it from whoever has it; otherwise it is waited for
 * @returns what gives it back, or ends the waiting; afterwards nothing is told any more
 */
export function requestLock(locks: Locks, name: string, steal: boolean, listener: LockListener): () => void {
  const released = Promise.withResolvers<undefined>();
  const waiting = new AbortController();
  let state: 'waiting' | 'granted' | 'ended' = 'waiting';
  const held = (): Promise<undefined> | undefined => {
    if (state === 'ended') return undefined;
    state = 'granted';
    listener.granted();
    return released.promise;
  };
  // The two cannot be asked for together.
  locks.request(name, steal ? { steal } : { signal: waiting.signal }, held).catch((error: unknown) => {
    if (state === 'ended') return;
    state = 'ended';
    if (error instanceof DOMException && error.name === 'AbortError') listener.lost();
    else listener.refused();
  });
  return () => {
    state = 'ended';
    waiting.abort();
    released.resolve(undefined);
  };
}
