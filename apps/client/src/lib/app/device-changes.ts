import { openTabChannel } from './tab-channel.ts';

const listeners = new Map<string, Set<() => void>>();
let post: ((message: unknown) => void) | null = null;

/** Tells whoever has a session open, in this tab or another one, that the device has more of it than they have heard of. */
export function tellDeviceChange(id: string): void {
  listen();
  post?.(id);
  hear(id);
}

/** @returns ends listening */
export function onDeviceChange(id: string, action: () => void): () => void {
  listen();
  const actions = listeners.get(id) ?? new Set();
  listeners.set(id, actions.add(action));
  return () => actions.delete(action);
}

function listen(): void {
  post ??= openTabChannel('parley/device-changes', hear);
}

function hear(id: unknown): void {
  if (typeof id !== 'string') return;
  for (const action of listeners.get(id) ?? []) action();
}
