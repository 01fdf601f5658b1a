import { covers, type Holdings } from '../holdings.ts';
import type { Probe } from './probe.ts';

/** How many probes wait for what they ask about: of one asker, and of all. */
const KEPT = { each: 8, all: 256 } as const;

/** Where a probe came from: the name of a mesh connection, or the client id of a presence that came through the relay. */
export type Address = string | number;

/** A probe that waits for its answer. */
export interface Kept extends Probe {
  readonly from: Address;
}

/** The probes that others have sent, until this device has committed what they ask about ([RC4]). */
export class Answering {
  #kept: readonly Kept[] = [];

  /** Keeps a probe. One of the same asker that asks for less needs no answer any more; of too many the oldest gives way. */
  keep(from: Address, probe: Probe): void {
    const kept = this.#kept.filter(
      (other) => other.from !== from || other.asker !== probe.asker || !covers(probe.wanted, other.wanted),
    );
    const own = kept.filter((other) => other.from === from);
    const oldest = own.length >= KEPT.each ? own[0] : kept.length >= KEPT.all ? kept[0] : undefined;
    this.#kept = [...kept.filter((other) => other !== oldest), { ...probe, from }];
  }

  /** Those that can be answered once all is committed that the document holds now. */
  due(isHere: (wanted: Holdings) => boolean): readonly Kept[] {
    return this.#kept.filter(({ wanted }) => isHere(wanted));
  }

  /** They are answered, or cannot be. */
  drop(answered: readonly Kept[]): void {
    this.#kept = this.#kept.filter((kept) => !answered.includes(kept));
  }

  get isWaiting(): boolean {
    return this.#kept.length > 0;
  }
}
