import type { Position } from '@parley/signaling/envelope';
import type * as Y from 'yjs';
import type { Holdings } from '../holdings.ts';
import type { Surroundings } from '../surroundings.ts';
import { checkAnswer } from './acknowledging.ts';
import { Applying } from './applying.ts';
import type { Deed, Driving } from './driving.ts';
import type { Mailbox, MailboxEvent, Remembered } from './engine.ts';
import { Keeping } from './keeping.ts';
import type { LogReader } from './log-reader.ts';
import type { MailboxStorage, MailboxTransport } from './ports.ts';
import { Sealing } from './sealing.ts';
import { restoreMailbox, storeDoubt, storeOutbox, type StoredMailbox } from './stored.ts';

export interface PerformingOptions {
  readonly sessionId: string;
  readonly doc: Y.Doc;
  readonly keys: { readonly contentKey: CryptoKey; readonly signingKey: CryptoKey };
  readonly transport: Pick<MailboxTransport, 'pull' | 'append' | 'putSnapshot'>;
  readonly storage: MailboxStorage<StoredMailbox>;
  readonly surroundings: Pick<Surroundings, 'randomBytes'>;
  readonly mailbox: Mailbox;
  readonly driving: Driving;
  readonly reader: LogReader;
  /** Of what is applied to the document. */
  readonly origin: unknown;
  seen(): Position | null;
  /** Resolves once nothing is on its way to the device any more: true if all that the document holds is committed there. */
  committed(): Promise<boolean>;
  /** Told at once when an update has failed halfway. */
  onBroken(): void;
  /** The document may be half changed, and the device knows by what. */
  onPoisoned(): void;
}

/** Does what the engine wants done with the relay, the document and the device. */
export class Performing {
  readonly #options: PerformingOptions;
  readonly #keeping: Keeping;
  readonly #applying: Applying;
  readonly #sealing: Sealing;

  constructor(options: PerformingOptions) {
    this.#options = options;
    const { sessionId, doc, keys, storage, surroundings, mailbox, origin } = options;
    const isStopped = () => options.driving.isStopped;
    this.#keeping = new Keeping({
      ...{ storage, doc, mailbox, isStopped },
      committed: () => options.committed(),
    });
    this.#applying = new Applying({
      ...{ doc, origin, isStopped },
      keep: (parts) => this.#keeping.keep(parts),
      quarantine: () => mailbox.quarantine,
      onBroken: () => options.onBroken(),
    });
    this.#sealing = new Sealing({
      ...{ sessionId, doc, keys, surroundings },
      seen: () => options.seen(),
    });
  }

  /** What the device remembers; nothing where it keeps nothing, or nothing that this version can read: the log has it all. */
  async remember(): Promise<Remembered> {
    try {
      const stored = await this.#options.storage.read();
      return restoreMailbox({ ...stored, quarantine: this.#applying.recall(stored) });
    } catch {
      return restoreMailbox({});
    }
  }

  /** Does it, and answers with what came of it, if that is known at once. */
  async perform(deed: Deed): Promise<MailboxEvent | null> {
    const { transport, driving, reader, mailbox } = this.#options;
    switch (deed.type) {
      case 'pull':
        driving.request(transport.pull(deed.after, deed.epoch), async (log) =>
          driving.handle({ type: 'pulled', log: await reader.read(log) }),
        );
        return null;
      case 'append': {
        const { entries } = deed;
        driving.request(transport.append(entries.map(({ bytes }) => bytes)), async (answer) =>
          driving.handle(await checkAnswer(mailbox.log, answer, entries)),
        );
        return null;
      }
      case 'seal':
        return this.#seal(deed.wanted);
      case 'compact':
        return this.#compact(deed);
      case 'apply':
        return this.#apply(deed);
      case 'keep':
        if (deed.part === 'log') this.#keeping.keepLog();
        else if (deed.part === 'outbox') await this.#keeping.keep({ outbox: storeOutbox(mailbox.outbox) });
        else await this.#keeping.keep({ log: storeDoubt(mailbox) });
        return null;
    }
  }

  /** Applies a change that came live. @param envelope the change as it came */
  async applyLive(envelope: Uint8Array<ArrayBuffer>, update: Uint8Array<ArrayBuffer>): Promise<void> {
    const { driving, onPoisoned } = this.#options;
    const outcome = await this.#applying.applyLive(envelope, update);
    if (outcome === 'broken') onPoisoned();
    if (outcome === 'none') driving.happen({ type: 'dropped', count: 1 });
  }

  /** Seals an update for the log that the engine has not asked for; null where it is too large. */
  sealAhead(update: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer> | null> {
    return this.#sealing.sealAhead(update);
  }

  /** Resolves once nothing is being written to the device any more. */
  settled(): Promise<void> {
    return this.#keeping.settled();
  }

  async #seal(wanted: Holdings): Promise<MailboxEvent> {
    const { entry, isTooLarge } = await this.#sealing.sealUpdate(wanted);
    const { outbox } = this.#options.mailbox;
    if (entry) await this.#keeping.keep({ outbox: storeOutbox([...outbox, entry]) });
    return { type: 'sealed', entry, isTooLarge };
  }

  async #compact(deed: Extract<Deed, { type: 'compact' }>): Promise<MailboxEvent | null> {
    const { transport, driving } = this.#options;
    const snapshot = await this.#sealing.sealSnapshot(deed);
    if (typeof snapshot === 'number') return { type: 'weighed', bytes: snapshot };
    const { id, bytes } = snapshot;
    driving.request(transport.putSnapshot(bytes), (answer) =>
      driving.handle({ type: 'compacted', answer, id }),
    );
    return null;
  }

  async #apply({ items }: Extract<Deed, { type: 'apply' }>): Promise<MailboxEvent | null> {
    const results = await this.#applying.apply(items);
    if (results === 'broken') this.#options.onPoisoned();
    return results === null || results === 'broken' ? null : { type: 'applied', results };
  }
}
