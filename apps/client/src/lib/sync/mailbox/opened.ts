import type { Position } from '@parley/signaling/envelope';

/** A part of the log that was verified, decrypted and chained, as plain data. Nothing in it contradicts itself; whether it contradicts what was known is the engine's to say. */
export interface OpenedLog {
  readonly epoch: string;
  readonly head: number;
  readonly current: { readonly id: string; readonly covers: number } | null;
  /** The writer's tombstone came instead of the log. */
  readonly deleted: boolean;
  readonly snapshot: OpenedSnapshot | null;
  /** What the entries follow on. */
  readonly base: { readonly seq: number; readonly chain: string };
  readonly entries: readonly OpenedEntry[];
}

export interface OpenedSnapshot {
  readonly hash: string;
  readonly id: string;
  readonly covers: number;
  /** As its maker signed it. */
  readonly chain: string;
  readonly seen: Position | null;
  readonly update: Uint8Array<ArrayBuffer>;
  readonly size: number;
}

export interface OpenedEntry {
  readonly seq: number;
  readonly hash: string;
  /** Computed here, up to and with this entry. */
  readonly chain: string;
  /** In bytes; 0 where only the hash came. */
  readonly size: number;
  /** As its maker signed it; null where there is nothing to believe. */
  readonly seen: Position | null;
  readonly content: OpenedContent;
}

export type OpenedContent =
  | { readonly kind: 'update'; readonly update: Uint8Array<ArrayBuffer> }
  /** Only the hash came: a snapshot in the same answer covers it. */
  | { readonly kind: 'covered' }
  /** The session ends here, says its writer. */
  | { readonly kind: 'tombstone' }
  /** Understood, and nothing to apply. */
  | { readonly kind: 'notice' }
  /** Made by a newer version. */
  | { readonly kind: 'unknown' }
  /** Not what it claims, or not what belongs here ([SY8]). */
  | { readonly kind: 'dropped' };
