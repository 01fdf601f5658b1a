import type { Locks } from './lock.ts';

/** The way to all other tabs of the same browser profile that have opened a channel of the same name. */
export interface TabChannel {
  post(message: unknown): void;
  close(): void;
}

/** What a page hears about itself. */
export type PageEvent = 'visibilitychange' | 'resume' | 'pagehide' | 'pageshow';

/** What tabs take from the browser, so that a simulation can bring its own. */
export interface TabPorts {
  readonly locks: Locks;
  openChannel(name: string, receive: (message: unknown) => void): TabChannel;
  isHidden(): boolean;
  /** @returns what ends it */
  listen(event: PageEvent, action: (event: Event) => void): () => void;
}

/** This browser's; null where site data is blocked, or the browser has no locks. */
export function browserPorts(): TabPorts | null {
  try {
    const { locks } = navigator as { locks?: LockManager };
    // Opening one is the way to find out.
    new BroadcastChannel('parley/tabs').close();
    return locks ? { locks, openChannel, isHidden, listen } : null;
  } catch {
    return null;
  }
}

function openChannel(name: string, receive: (message: unknown) => void): TabChannel {
  const channel = new BroadcastChannel(name);
  channel.onmessage = ({ data }) => receive(data);
  return { post: (message) => channel.postMessage(message), close: () => channel.close() };
}

function isHidden(): boolean {
  return document.visibilityState === 'hidden';
}

function listen(event: PageEvent, action: (event: Event) => void): () => void {
  const target = event === 'visibilitychange' || event === 'resume' ? document : window;
  target.addEventListener(event, action);
  return () => target.removeEventListener(event, action);
}
