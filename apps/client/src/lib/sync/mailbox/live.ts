import { encodeBase64url } from '@parley/signaling/base64url';
import { sealEnvelope, type Position } from '@parley/signaling/envelope';
import type { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';
import type { Surroundings } from '../surroundings.ts';
import { Hearing } from './hearing.ts';
import { OwnPresences, type OwnClient } from './own-presences.ts';
import type { PresenceExtras } from './presence.ts';
import { Senders } from './senders.ts';

/** Presence and changes through the relay, in milliseconds and bytes. */
const LIVE = {
  /** Between two presences, and between two live changes. */
  presenceEvery: 100,
  changesEvery: 40,
  /** Somebody who can only be reached through the relay hears at least so often that one is there. */
  heartbeat: 25_000,
  /** So long the channel may be down until who is reached through it alone counts as gone. */
  outage: 5_000,
  /** The largest live change. A larger one arrives through the log. */
  changeBytes: 24 * 1024,
} as const;

export interface LiveOptions {
  readonly sessionId: string;
  readonly awareness: Awareness;
  /** The tabs of this device for which presence is sent: this one first, and those that follow it. */
  clients(): readonly OwnClient[];
  /** What goes along with presence. */
  readonly extras?: PresenceExtras | undefined;
  readonly keys: {
    readonly contentKey: CryptoKey;
    readonly signingKey: CryptoKey;
    readonly role: 'writer' | 'reader';
    readonly readerKey: CryptoKey;
    /** null as long as it is not known. */
    writerKey(): CryptoKey | null;
  };
  readonly surroundings: Surroundings;
  /** Of what is applied to the awareness. */
  readonly origin: unknown;
  seen(): Position | null;
  send(envelope: Uint8Array<ArrayBuffer>): void;
  reachesDirectly(state: Record<string, unknown>): boolean;
  /** Runs one thing after the other. */
  enqueue(task: () => Promise<void>): void;
  /** @param envelope the change as it came */
  onUpdate(envelope: Uint8Array<ArrayBuffer>, update: Uint8Array<ArrayBuffer>): Promise<void>;
  onPosition(position: Position): void;
  onDropped(): void;
}

/** What reaches those who are there now through the relay alone ([SY20], [SY21]). Nothing of it is kept. */
export class LiveExchange {
  readonly #options: LiveOptions;
  readonly #own: OwnPresences;
  readonly #senders: Senders;
  readonly #hearing: Hearing;
  #isUp = false;
  /** The channel has been down for so long that nobody is reached through it. */
  #isCutOff = false;
  #isStopped = false;
  #changes: Uint8Array[] = [];
  #lastPresence = -Infinity;
  /** All presence is to be said, not what is new alone. */
  #owesAll = false;
  #lastChanges = -Infinity;
  #cancelPresence: (() => void) | null = null;
  #cancelChanges: (() => void) | null = null;
  #cancelHeartbeat: (() => void) | null = null;
  #cancelOutage: (() => void) | null = null;

  constructor(options: LiveOptions) {
    this.#options = options;
    const { sessionId, awareness, surroundings, keys, origin } = options;
    this.#senders = new Senders({
      ...{ awareness, surroundings, origin },
      reachesDirectly: (state) => options.reachesDirectly(state),
    });
    this.#own = new OwnPresences({
      ...{ awareness, surroundings },
      clients: () => options.clients(),
      extras: () => options.extras?.extras() ?? null,
      seal: (sender, content) =>
        this.#seal({ ...this.#header('presence' as const, sessionId), role: keys.role, ...sender }, content),
    });
    this.#hearing = new Hearing({
      ...{ sessionId, keys, awareness, surroundings, origin },
      ...{ own: this.#own, senders: this.#senders, extras: options.extras },
      onUpdate: (envelope, update) => options.onUpdate(envelope, update),
      onPosition: (position) => options.onPosition(position),
      onDropped: () => options.onDropped(),
      onPresence: (isNews) => {
        if (isNews) this.#sendPresenceSoon();
        this.#beat();
      },
    });
    options.awareness.on('change', this.#presenceChanged);
  }

  /** The channel is subscribed, for the first time or again. */
  up(): void {
    this.#isUp = true;
    this.#isCutOff = false;
    this.#cancelOutage?.();
    this.#cancelOutage = null;
    // Only who is new, or is back, is answered.
    if (this.#senders.areLost) this.#sayGoodbye();
    this.#sendPresenceSoon();
  }

  down(): void {
    this.#isUp = false;
    this.#cancelOutage ??= this.#options.surroundings.after(LIVE.outage, () => {
      this.#isCutOff = true;
      this.#senders.letGo();
    });
  }

  /** The writer's key is known now: what others answer can be believed. */
  keyKnown(): void {
    this.#sendPresenceSoon();
  }

  /** Whom this person reaches directly has changed. */
  reachChanged(): void {
    if (this.#isCutOff) this.#senders.letGo();
    if (this.#senders.areNeeding) this.#sendPresenceSoon();
    this.#beat();
  }

  /** A change was made here. */
  changed(update: Uint8Array): void {
    if (!this.#isUp || this.#options.keys.role === 'reader' || !this.#senders.areNeeding) return;
    this.#changes.push(update);
    const { surroundings } = this.#options;
    const wait = Math.max(0, this.#lastChanges + LIVE.changesEvery - surroundings.now());
    this.#cancelChanges ??= surroundings.after(Math.min(wait, LIVE.changesEvery), () => {
      this.#cancelChanges = null;
      this.#options.enqueue(() => this.#sendChanges());
    });
  }

  /** There are other tabs of this device to speak for than before, or one of them says something else. */
  clientsChanged(): void {
    if (this.#isStopped) return;
    this.#dismiss();
    if (this.#own.hasNews && this.#senders.areNeeding) this.#sendPresenceSoon(false);
  }

  /** Something is to go along with the next presence. */
  extrasChanged(): void {
    if (this.#senders.areNeeding) this.#sendPresenceSoon(false);
  }

  /** A live envelope came. */
  receive(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.#hearing.receive(bytes);
  }

  /** The page is going away, and may come back: says goodbye, at once, to those who would not notice otherwise. */
  leave(): void {
    if (this.#senders.areNeeding) this.#sayGoodbye();
  }

  /**
   * Says goodbye, if the channel is still there, and ends.
   *
   * @param isHandedOver this tab stays, and another one speaks for it from now on: no goodbye is said
   */
  stop(isHandedOver = false): void {
    if (this.#isStopped) return;
    this.#options.awareness.off('change', this.#presenceChanged);
    for (const cancel of [
      this.#cancelPresence,
      this.#cancelChanges,
      this.#cancelHeartbeat,
      this.#cancelOutage,
    ])
      cancel?.();
    if (!isHandedOver) this.leave();
    this.#isStopped = true;
    // Who is present is for the other tab to say.
    if (!isHandedOver) this.#senders.letGo();
  }

  readonly #presenceChanged = (_change: unknown, origin: unknown): void => {
    if (origin !== this.#options.origin) this.clientsChanged();
  };

  /** Says goodbye for those tabs of this device that are there no more. */
  #dismiss(): void {
    const goodbyes = this.#own.takeLeavers();
    this.#senders.drop((client) => this.#own.isOwn(client));
    if (this.#isUp && this.#senders.areNeeding) for (const goodbye of goodbyes) this.#options.send(goodbye);
  }

  #sayGoodbye(): void {
    const goodbye = this.#own.takeGoodbye();
    if (this.#isUp && goodbye) this.#options.send(goodbye);
  }

  #sendPresenceSoon(isForAll = true): void {
    if (this.#isStopped) return;
    this.#owesAll ||= isForAll;
    const { surroundings } = this.#options;
    const wait = Math.max(0, this.#lastPresence + LIVE.presenceEvery - surroundings.now());
    this.#cancelPresence ??= surroundings.after(Math.min(wait, LIVE.presenceEvery), () => {
      this.#cancelPresence = null;
      this.#options.enqueue(() => this.#sendPresence());
    });
  }

  async #sendPresence(): Promise<void> {
    const { keys, surroundings, send } = this.#options;
    // Those who answer a viewer that cannot verify them yet would not be seen.
    if (!this.#isUp || this.#isStopped || !keys.writerKey()) return;
    this.#lastPresence = surroundings.now();
    this.#dismiss();
    const isForAll = this.#owesAll;
    this.#owesAll = false;
    const sealed = await this.#own.seal(isForAll);
    if (!this.#isUp || this.#isStopped) return;
    for (const { presence, keep } of sealed) {
      keep();
      send(presence);
    }
    this.#beat();
  }

  async #sendChanges(): Promise<void> {
    if (!this.#isUp || this.#isStopped || this.#changes.length === 0) return;
    const { sessionId, surroundings, send } = this.#options;
    const update = Y.mergeUpdatesV2(this.#changes.splice(0));
    if (update.length > LIVE.changeBytes) return;
    this.#lastChanges = surroundings.now();
    const sealed = await this.#seal(this.#header('update' as const, sessionId), Uint8Array.from(update));
    if (this.#isUp && !this.#isStopped) send(sealed);
  }

  #header<Kind extends string>(kind: Kind, sessionId: string) {
    const id = encodeBase64url(this.#options.surroundings.randomBytes(16));
    return { version: 1, kind, sessionId, id, seen: this.#options.seen() };
  }

  #seal(
    header: Parameters<typeof sealEnvelope>[0],
    content: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const { keys, surroundings } = this.#options;
    return sealEnvelope(header, content, keys, surroundings.randomBytes(12));
  }

  /** While it is needed, one presence every so often; and those who are heard no more are let go. */
  #beat(): void {
    if (this.#isStopped || this.#cancelHeartbeat || !this.#senders.areAny) return;
    this.#cancelHeartbeat = this.#options.surroundings.after(LIVE.heartbeat, () => {
      this.#cancelHeartbeat = null;
      this.#senders.expire();
      if (this.#senders.areNeeding) this.#sendPresenceSoon();
      this.#beat();
    });
  }
}
