import type { Position } from '@parley/signaling/envelope';
import type { Awareness } from 'y-protocols/awareness';
import type { Surroundings } from '../surroundings.ts';

/** How long a new position waits until it is told to others, in milliseconds. */
const ANNOUNCE_AFTER = 3_000;

export interface AnnouncementsOptions {
  readonly awareness: Awareness;
  readonly surroundings: Pick<Surroundings, 'after'>;
  /** Of what came through the relay, where positions are read from the envelopes. */
  readonly origin: unknown;
  seen(): Position | null;
  onPosition(position: Position): void;
}

/** Where those who are present see the mailbox, told in their awareness: those who see it otherwise find out ([SY9]). */
export class Announcements {
  readonly #options: AnnouncementsOptions;
  #cancel: (() => void) | null = null;

  constructor(options: AnnouncementsOptions) {
    this.#options = options;
  }

  start(): void {
    this.#options.awareness.on('change', this.#heard);
  }

  /** This client sees the mailbox elsewhere than before. */
  announceSoon(): void {
    const { awareness, surroundings, seen } = this.#options;
    this.#cancel ??= surroundings.after(ANNOUNCE_AFTER, () => {
      this.#cancel = null;
      awareness.setLocalStateField('mailbox', seen());
    });
  }

  stop(): void {
    this.#options.awareness.off('change', this.#heard);
    this.#cancel?.();
  }

  readonly #heard = ({ added, updated }: { added: number[]; updated: number[] }, origin: unknown): void => {
    if (origin === 'local' || origin === this.#options.origin) return;
    const states = this.#options.awareness.getStates();
    for (const client of [...added, ...updated]) {
      const { mailbox, viewer } = states.get(client) ?? {};
      const position = viewer === true ? null : parsePosition(mailbox);
      if (position) this.#options.onPosition(position);
    }
  };
}

function parsePosition(value: unknown): Position | null {
  if (typeof value !== 'object' || value === null) return null;
  const { epoch, seq, chain } = value as Record<string, unknown>;
  const isPosition =
    typeof epoch === 'string' &&
    /^[\w-]{22}$/.test(epoch) &&
    typeof seq === 'number' &&
    Number.isSafeInteger(seq) &&
    seq >= 0 &&
    typeof chain === 'string' &&
    /^[\w-]{43}$/.test(chain);
  return isPosition ? { epoch, seq, chain } : null;
}
