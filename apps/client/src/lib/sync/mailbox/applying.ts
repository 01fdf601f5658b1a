import { hashEnvelope } from '@parley/signaling/envelope';
import * as Y from 'yjs';
import type { MailboxEffect } from './engine.ts';
import { holdingsOfUpdate, type Holdings } from '../holdings.ts';
import type { StoredMailbox } from './stored.ts';

/** An update that ended badly so often while it was applied alone is quarantined. Once could be a page that was closed. */
const LONE_ATTEMPTS = 3;

/** After so many live changes that did not end well, this device takes changes from the log only, where each is dealt with for good. */
const LIVE_FAILURES = 10;

type Items = Extract<MailboxEffect, { type: 'apply' }>['items'];

export interface ApplyingOptions {
  readonly doc: Y.Doc;
  /** Of what is applied. */
  readonly origin: unknown;
  keep(parts: Partial<StoredMailbox>): Promise<void>;
  isStopped(): boolean;
  quarantine(): ReadonlySet<string>;
  /** Told at once when an update has failed halfway. */
  onBroken(): void;
}

/**
 * Applies what has arrived to the document: what comes with the log under a mark on the device which says so, so that what does not
 * come to an end, or ends badly, is known the next time; what comes live without one, since nothing brings it again by itself ([SY16]).
 */
export class Applying {
  readonly #options: ApplyingOptions;
  /** The envelopes that may be what ended badly the last time, and how often each did alone. */
  readonly #suspects = new Map<string, number>();
  /** Live envelopes that failed halfway. */
  #shunned: readonly string[] = [];

  constructor(options: ApplyingOptions) {
    this.#options = options;
  }

  /** Takes over the marks that the device kept, and answers with what is quarantined by now. */
  recall({ applying, live = [], quarantine = [] }: Partial<StoredMailbox>): readonly string[] {
    this.#shunned = live;
    const failed: string[] = [];
    for (const hash of applying?.hashes ?? []) {
      if (applying && applying.attempts >= LONE_ATTEMPTS) failed.push(hash);
      else this.#suspects.set(hash, applying?.attempts ?? 0);
    }
    const all = [...quarantine, ...failed];
    if (failed.length > 0) void this.#options.keep({ applying: null, quarantine: all });
    return all;
  }

  /**
   * Applies them in their order; what is under suspicion alone.
   *
   * @returns by hash what each brings, or null where it is none and quarantined; null as a whole when one of them has broken the
   * document, or all has ended before
   */
  async apply(items: Items): Promise<ReadonlyMap<string, Holdings | null> | 'broken' | null> {
    const results = new Map<string, Holdings | null>();
    const rest = [...items];
    while (rest.length > 0) {
      const suspect = rest.findIndex(({ hash }) => this.#suspects.has(hash));
      const batch = rest.splice(0, suspect === -1 ? rest.length : Math.max(1, suspect));
      const outcome = await this.#applyMarked(batch, results);
      if (outcome !== 'applied') return outcome;
    }
    return results;
  }

  /**
   * Applies a live change. One that did not end well the last time is left to the log.
   *
   * @param envelope the change as it came
   * @returns `none`: it is no update
   */
  async applyLive(
    envelope: Uint8Array<ArrayBuffer>,
    update: Uint8Array<ArrayBuffer>,
  ): Promise<'applied' | 'left out' | 'none' | 'broken'> {
    const shunned = this.#shunned;
    if (shunned.length >= LIVE_FAILURES) return 'left out';
    // Hashed only where something is suspected: a key on its way to the screen waits for nothing that it need not.
    if (shunned.length > 0 && shunned.includes(await hashEnvelope(envelope))) return 'left out';
    if (this.#options.isStopped()) return 'left out';
    if (!readUpdate(update)) return 'none';
    if (this.#applyTo(update)) return 'applied';
    this.#shunned = [...shunned, await hashEnvelope(envelope)];
    await this.#options.keep({ live: this.#shunned });
    return 'broken';
  }

  async #applyMarked(
    batch: Items,
    results: Map<string, Holdings | null>,
  ): Promise<'applied' | 'broken' | null> {
    const { keep, isStopped, quarantine } = this.#options;
    const [first] = batch;
    const isAlone = first !== undefined && this.#suspects.has(first.hash);
    const before = isAlone ? (this.#suspects.get(first.hash) ?? 0) : 0;
    const hashes = batch.map(({ hash }) => hash);
    await keep({ applying: { hashes, attempts: isAlone ? before + 1 : 0 } });
    const failed: string[] = [];
    for (const { hash, update } of batch) {
      if (isStopped()) {
        // Nothing ended badly.
        await keep({ applying: isAlone ? { hashes, attempts: before } : null });
        return null;
      }
      const holdings = readUpdate(update);
      results.set(hash, holdings);
      if (!holdings) failed.push(hash);
      else if (!this.#applyTo(update)) {
        // Among several it may be another's fault: it is applied alone next time, and left out if it fails again.
        if (isAlone) await keep({ applying: null, quarantine: [...quarantine(), hash] });
        else await keep({ applying: { hashes: [hash], attempts: 0 } });
        return 'broken';
      }
      this.#suspects.delete(hash);
    }
    await keep({
      applying: null,
      ...(failed.length > 0 && { quarantine: [...quarantine(), ...failed] }),
    });
    return 'applied';
  }

  #applyTo(update: Uint8Array<ArrayBuffer>): boolean {
    const { doc, origin, onBroken } = this.#options;
    try {
      Y.applyUpdateV2(doc, update, origin);
      return true;
    } catch {
      // Whatever it was: the document may be half changed, and the caller sees to that.
      onBroken();
      return false;
    }
  }
}

/** What an update brings, or null where it is none. */
function readUpdate(update: Uint8Array<ArrayBuffer>): Holdings | null {
  try {
    return holdingsOfUpdate(update);
  } catch {
    return null;
  }
}
