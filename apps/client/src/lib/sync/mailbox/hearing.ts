import {
  EnvelopeError,
  openEnvelope,
  parseEnvelope,
  verifyEnvelope,
  type Envelope,
  type Position,
} from '@parley/signaling/envelope';
import { applyAwarenessUpdate, type Awareness } from 'y-protocols/awareness';
import type { Surroundings } from '../surroundings.ts';
import { PRESENCE_LASTS, type OwnPresences } from './own-presences.ts';
import { readPresence, type PresenceExtras } from './presence.ts';
import { CLOCK_SKEW, type Senders } from './senders.ts';

export interface HearingOptions {
  readonly sessionId: string;
  readonly awareness: Awareness;
  readonly surroundings: Pick<Surroundings, 'now'>;
  readonly keys: {
    readonly contentKey: CryptoKey;
    readonly readerKey: CryptoKey;
    /** null as long as it is not known. */
    writerKey(): CryptoKey | null;
  };
  /** Of what is applied to the awareness. */
  readonly origin: unknown;
  readonly own: Pick<OwnPresences, 'isOwn' | 'isSender'>;
  readonly senders: Senders;
  /** What comes along with presence. */
  readonly extras?: Pick<PresenceExtras, 'receiveExtras'> | undefined;
  /** @param envelope the change as it came */
  onUpdate(envelope: Uint8Array<ArrayBuffer>, update: Uint8Array<ArrayBuffer>): Promise<void>;
  onPosition(position: Position): void;
  /** @param isNews who it is of is new here, or is back, and has not heard of this device either; or asks who is there */
  onPresence(isNews: boolean): void;
  onDropped(): void;
}

/** Hears what comes live, from anybody who may read: believes what is signed by whom it should be, and nobody who speaks for another one. */
export class Hearing {
  readonly #options: HearingOptions;

  constructor(options: HearingOptions) {
    this.#options = options;
  }

  /** A live envelope came. What is not what it claims is dropped, and told. */
  async receive(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    try {
      const envelope = parseEnvelope(bytes);
      const isGood =
        envelope.header.sessionId === this.#options.sessionId &&
        ((envelope.header.kind === 'presence' && (await this.#receivePresence(envelope))) ||
          (envelope.header.kind === 'update' && (await this.#receiveUpdate(envelope, bytes))) ||
          envelope.header.kind === 'unknown');
      if (!isGood) this.#options.onDropped();
    } catch (error) {
      if (!(error instanceof EnvelopeError)) throw error;
      if (error.code !== 'envelope/version') this.#options.onDropped();
    }
  }

  async #receiveUpdate(envelope: Envelope, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
    const { keys, onUpdate, onPosition } = this.#options;
    const writerKey = keys.writerKey();
    // Not known yet, as for a viewer before the first pull: the change comes with the log.
    if (!writerKey) return true;
    if (!(await verifyEnvelope(envelope, writerKey))) return false;
    const update = await openEnvelope(envelope, keys.contentKey);
    if (envelope.header.seen) onPosition(envelope.header.seen);
    await onUpdate(bytes, update);
    return true;
  }

  async #receivePresence(envelope: Envelope): Promise<boolean> {
    const { header } = envelope;
    if (header.kind !== 'presence') return false;
    const { awareness, keys, surroundings, origin, own, senders, extras: along } = this.#options;
    const { sender, role, counter, seen } = header;
    if (own.isSender(sender)) return true;
    const now = surroundings.now();
    const known = senders.get(sender);
    // No reason to suspect anybody: their clock may be wrong.
    if (header.expires + CLOCK_SKEW < now) return true;
    // A copy, or what another tab of theirs said before it went on with this sender: nothing to apply, and no forgery.
    if (known && counter <= known.counter) return true;
    const key = role === 'writer' ? keys.writerKey() : keys.readerKey;
    if (!key) return true;
    if (!(await verifyEnvelope(envelope, key))) return false;
    const content = await openEnvelope(envelope, keys.contentKey);
    const presence = readPresence(content, role);
    if (!presence) return false;
    const { client, extras } = presence;
    if (own.isOwn(client) || (known && (known.client !== client || known.role !== role))) return false;
    if (role === 'reader' && senders.isTaken(client, sender)) return false;
    if (role === 'writer') senders.evict(client);
    if (!known && !senders.makeRoom(role)) return true;
    const expires = now + PRESENCE_LASTS;
    senders.set(sender, { client, role, counter, expires, isGone: presence.isGone });
    const isBack = !awareness.getStates().has(client);
    // It is newer than what took the state away, whatever the awareness's own clock says.
    if (isBack) awareness.meta.delete(client);
    applyAwarenessUpdate(awareness, presence.update, origin);
    if (!presence.isGone) along?.receiveExtras(client, extras ?? {}, role);
    if (role === 'writer' && seen) this.#options.onPosition(seen);
    this.#options.onPresence((!known || isBack || presence.asks) && !presence.isGone);
    return true;
  }
}
