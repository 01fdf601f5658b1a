import * as Y from 'yjs';
import { holdingsOfUpdate, NOTHING, unite, type Holdings } from '../holdings.ts';
import type { Surroundings } from '../surroundings.ts';

/** What is made ready for a page that may end at any moment, in milliseconds and bytes. */
const STANDBY = {
  /** Between two times that it is sealed. */
  every: 40,
  /** The largest update: what browsers send for a page that has gone is bounded, too. */
  bytes: 24 * 1024,
  /** Updates that are merged one by one; more are made one. */
  updates: 100,
} as const;

export interface StandbyOptions {
  readonly surroundings: Pick<Surroundings, 'now' | 'after'>;
  /** Seals an update for the log; null where it is too large. */
  seal(update: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Whether the mailbox has all of it, or what is sealed for it and kept on the device. */
  isCovered(holdings: Holdings): boolean;
}

interface Piece {
  readonly update: Uint8Array;
  readonly holdings: Holdings;
}

/**
 * What was done here since the last envelope was sealed for the log, sealed ahead in one of its own, because sealing takes longer
 * than a page has that is being closed ([SY24]).
 */
export class Standby {
  readonly #options: StandbyOptions;
  /** Updates that are not sealed yet. */
  #fresh: Uint8Array[] = [];
  #pieces: readonly Piece[] = [];
  /** What was too much: what is done after it is of no use without it. */
  #left: Holdings = NOTHING;
  #envelope: Uint8Array<ArrayBuffer> | null = null;
  #lastSealed = -Infinity;
  #isSealing = false;
  #cancel: (() => void) | null = null;

  constructor(options: StandbyOptions) {
    this.#options = options;
  }

  /** A change was made here. */
  changed(update: Uint8Array): void {
    this.#fresh.push(update);
    this.#sealSoon();
  }

  /** The envelope to send before the page ends; null if the log has all of it, or is going to be sent it anyway. */
  envelope(): Uint8Array<ArrayBuffer> | null {
    return this.#pieces.some(({ holdings }) => !this.#options.isCovered(holdings)) ? this.#envelope : null;
  }

  stop(): void {
    this.#cancel?.();
    this.#fresh = [];
  }

  #sealSoon(): void {
    if (this.#isSealing || this.#fresh.length === 0) return;
    const { now, after } = this.#options.surroundings;
    const wait = Math.max(0, this.#lastSealed + STANDBY.every - now());
    this.#cancel ??= after(Math.min(wait, STANDBY.every), () => {
      this.#cancel = null;
      this.#isSealing = true;
      void this.#seal().finally(() => {
        this.#isSealing = false;
        this.#sealSoon();
      });
    });
  }

  async #seal(): Promise<void> {
    const { surroundings, seal, isCovered } = this.#options;
    this.#lastSealed = surroundings.now();
    const update = Y.mergeUpdatesV2(this.#fresh.splice(0));
    const all = [...this.#pieces, { update, holdings: holdingsOfUpdate(update) }];
    const pieces = all.filter(({ holdings }) => !isCovered(holdings));
    const merged =
      pieces.length > 0 ? Uint8Array.from(Y.mergeUpdatesV2(pieces.map((piece) => piece.update))) : null;
    if (merged && (merged.length > STANDBY.bytes || !isCovered(this.#left))) {
      this.#left = pieces.reduce((left, { holdings }) => unite(left, holdings), this.#left);
      this.#pieces = [];
      this.#envelope = null;
      return;
    }
    this.#envelope = merged && (await seal(merged));
    const isMany = merged && pieces.length > STANDBY.updates;
    this.#pieces = isMany ? [{ update: merged, holdings: holdingsOfUpdate(merged) }] : pieces;
  }
}
