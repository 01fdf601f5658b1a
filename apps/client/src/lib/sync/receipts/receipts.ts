import { decodeBase64url, encodeBase64url } from '@parley/signaling/base64url';
import type { Awareness } from 'y-protocols/awareness';
import type * as Y from 'yjs';
import {
  hasIntegrated,
  holdingsOfTransaction,
  integratedBy,
  NOTHING,
  subtract,
  unite,
  waitingIn,
  type Holdings,
} from '../holdings.ts';
import type { Extras, PresenceExtras } from '../mailbox/presence.ts';
import type { Surroundings } from '../surroundings.ts';
import { Answering, type Address } from './answering.ts';
import { Asking, type Met, type ReceiptFacts, type Role } from './asking.ts';
import { listOthers, personOf, type OtherPerson } from './people.ts';
import { decodeMessage, encodeMessage, type ReceiptMessage } from './probe.ts';

export type { ReceiptFacts } from './asking.ts';

/** In milliseconds. */
const RECEIPTS = {
  /** After the device could not commit the document, until it is asked again. */
  retry: 3_000,
  /** Many answer one probe through the relay: each waits up to so long for every client that is present. */
  spread: 20,
  /** Between two presences that are sent for the sake of answers; and again for every client, because viewers share what they may send. */
  between: 1_000,
  betweenEach: 40,
} as const;

/** So many answers go along with one presence. */
const ANSWERS_AT_ONCE = 32;

export interface ReceiptsOptions {
  readonly doc: Y.Doc;
  readonly awareness: Awareness;
  readonly surroundings: Surroundings;
  /** A viewer's device has nothing to ask for; it answers. */
  readonly role: Role;
  /** Resolves once nothing is on its way to the device any more: true if all that the document holds is committed there. */
  committed(): Promise<boolean>;
  /** Whether a transaction with this origin brought what another tab of this device did. */
  isOwn(origin: unknown): boolean;
  /** The tabs of this device by their client ids: what one of them did may come by way of others first. */
  clients(): readonly { readonly client: number }[];
  /** Sends a message to the device that the mesh knows as `peer`; false where it cannot be reached directly. */
  sendDirect(peer: string, message: Uint8Array<ArrayBuffer>): boolean;
  /** Told when the next presence through the relay should go out soon, because {@link Receipts.extras} has something. */
  readonly live: { changed(): void };
  onReceipts(receipts: ReceiptFacts): void;
}

/**
 * With which people the changes of this device are, whichever of its tabs made them: it asks them, and answers what it is asked. Directly
 * where the mesh reaches, or else along with presence through the relay. To be made once the document is loaded from the device, in the
 * tab that holds the connections.
 */
export class Receipts implements PresenceExtras {
  readonly #options: ReceiptsOptions;
  readonly #asker: string;
  readonly #asking = new Asking();
  readonly #answering = new Answering();
  #others: ReadonlyMap<string, OtherPerson> = new Map();
  #ownId: string | null = null;
  /** Answers that go out with the next presence. */
  #answers: string[] = [];
  #facts: ReceiptFacts = { people: 0, having: 0, ids: [] };
  /** What waits in the document for something that is missing. */
  #waiting: Holdings;
  #isCommitting = false;
  #isStopped = false;
  #cancelAsk: (() => void) | null = null;
  #cancelCheck: (() => void) | null = null;
  /** Those who were heard, and are asked again soon, by id. */
  readonly #repeats = new Map<string, () => void>();
  #cancelSpread: (() => void) | null = null;
  #saidAt = -Infinity;

  constructor(options: ReceiptsOptions) {
    this.#options = options;
    this.#asker = encodeBase64url(options.surroundings.randomBytes(16));
    this.#waiting = waitingIn(options.doc);
    options.awareness.on('change', this.#meet);
    options.doc.on('afterTransaction', this.#changed);
    this.#meet();
  }

  get facts(): ReceiptFacts {
    return this.#facts;
  }

  /** Whom the mesh reaches has changed. */
  reachChanged(): void {
    this.#asking.reached();
    this.#proceed();
  }

  /** A message came directly, from the device that the mesh knows as `peer`. Whatever it is, it does no harm. */
  receive(peer: string, bytes: Uint8Array): void {
    const message = decodeMessage(bytes);
    if (message?.type === 'probe') this.#asked(peer, message);
    if (message?.type !== 'answer') return;
    for (const [id, { peers }] of this.#others) {
      if (peers.includes(peer)) this.#answered(id, 'writer', message);
    }
  }

  /** What is to go along with the presence that is being sent; null for nothing. It counts as sent. */
  extras(): Extras | null {
    const { live, surroundings } = this.#options;
    const answers = this.#answers.splice(0, ANSWERS_AT_ONCE);
    if (answers.length > 0) this.#saidAt = surroundings.now();
    const asked = this.#asking.askAlong(surroundings.now());
    if (this.#asking.isRelayAwaited || this.#answers.length > 0) live.changed();
    this.#proceed();
    if (!asked && answers.length === 0) return null;
    const probe = asked && this.#encode({ type: 'probe', asker: this.#asker, ...asked });
    return { ...(probe && { probe }), ...(answers.length > 0 && { answers }) };
  }

  /** What came along with the presence of a client, which the key of that role has signed. */
  receiveExtras(client: number, { probe, answers = [] }: Extras, role: Role): void {
    const asked = probe === undefined ? null : read(probe);
    // Viewers have nothing to ask for, and would crowd out who has.
    if (role === 'writer' && asked?.type === 'probe') this.#asked(client, asked);
    const id = personOf(this.#options.awareness.getStates().get(client));
    for (const answer of answers) {
      const message = read(answer);
      if (id !== null && message?.type === 'answer') this.#answered(id, role, message);
    }
    if (id !== null) this.#repeatFor(id);
  }

  /** Somebody was heard, who may have been out of hearing when they were asked. */
  #repeatFor(id: string): void {
    const { surroundings, live } = this.#options;
    const at = this.#asking.repeatAt(id);
    if (at === null || this.#isStopped || this.#repeats.has(id)) return;
    const cancel = surroundings.after(Math.max(0, at - surroundings.now()), () => {
      this.#repeats.delete(id);
      if (this.#asking.repeatAt(id) !== null) live.changed();
    });
    this.#repeats.set(id, cancel);
  }

  stop(): void {
    this.#isStopped = true;
    this.#options.awareness.off('change', this.#meet);
    this.#options.doc.off('afterTransaction', this.#changed);
    for (const cancel of [this.#cancelAsk, this.#cancelCheck, this.#cancelSpread, ...this.#repeats.values()])
      cancel?.();
  }

  readonly #meet = (): void => {
    const { awareness, doc } = this.#options;
    this.#ownId = personOf(awareness.getLocalState()) ?? this.#ownId;
    // Who this person is, is set a moment after the session is opened.
    if (this.#ownId === null) return;
    this.#others = listOthers(awareness.getStates(), this.#ownId);
    const present = new Map<string, Met>();
    for (const [id, { role, peers }] of this.#others) present.set(id, { role, way: peers.join() });
    this.#asking.meet(present, () => integratedBy(doc));
    this.#proceed();
  };

  readonly #changed = (transaction: Y.Transaction): void => {
    const { isOwn, role, clients, doc } = this.#options;
    if (role === 'writer') {
      const added = holdingsOfTransaction(transaction);
      const { local, origin } = transaction;
      // What another tab did may wait here for what it builds on, and who brings that knows nothing of whose it is.
      const waiting = waitingIn(doc);
      if (!local && isOwn(origin)) this.#asking.changed(unite(added, subtract(waiting, this.#waiting)));
      else this.#asking.changed(local ? added : ofClients(added, clients()));
      this.#waiting = waiting;
      this.#proceed();
    }
    this.#checkSoon();
  };

  /** Tells what has come of it, and sees to it that those who are due are asked. */
  #proceed(): void {
    if (this.#isStopped) return;
    const { onReceipts, surroundings, role } = this.#options;
    const { facts } = this.#asking;
    const known = role === 'writer' ? facts : { ...facts, having: 0, ids: [] };
    if (textOf(known) !== textOf(this.#facts)) {
      this.#facts = known;
      onReceipts(known);
    }
    this.#cancelAsk?.();
    this.#cancelAsk = null;
    const at = role === 'writer' ? this.#asking.nextAt : null;
    if (at === null) return;
    this.#cancelAsk = surroundings.after(Math.max(0, at - surroundings.now()), () => this.#ask());
  }

  #ask(): void {
    const { surroundings, live, sendDirect } = this.#options;
    this.#cancelAsk = null;
    const isRelayAwaited = this.#asking.ask(surroundings.now(), (id, asked) => {
      const message = encodeMessage({ type: 'probe', asker: this.#asker, ...asked });
      const sent = (this.#others.get(id)?.peers ?? []).map((peer) => sendDirect(peer, message));
      return sent.includes(true);
    });
    if (isRelayAwaited) live.changed();
    this.#proceed();
  }

  #answered(id: string, role: Role, { asker, number }: ReceiptMessage): void {
    if (asker !== this.#asker) return;
    this.#asking.answered(id, role, number);
    this.#proceed();
  }

  #asked(from: Address, probe: Extract<ReceiptMessage, { type: 'probe' }>): void {
    if (probe.asker === this.#asker) return;
    this.#answering.keep(from, probe);
    this.#checkSoon();
  }

  #checkSoon(milliseconds = 0): void {
    if (this.#isStopped || this.#isCommitting || !this.#answering.isWaiting) return;
    this.#cancelCheck ??= this.#options.surroundings.after(milliseconds, () => {
      this.#cancelCheck = null;
      void this.#check();
    });
  }

  /** Answers what the document has, once that is committed. */
  async #check(): Promise<void> {
    const { doc, committed } = this.#options;
    const due = this.#answering.due((wanted) => hasIntegrated(doc, wanted));
    if (due.length === 0) return;
    this.#isCommitting = true;
    const isCommitted = await committed();
    this.#isCommitting = false;
    if (this.#isStopped) return;
    if (!isCommitted) {
      this.#checkSoon(RECEIPTS.retry);
      return;
    }
    this.#answering.drop(due);
    for (const { from, asker, number } of due) this.#answer(from, { type: 'answer', asker, number });
    this.#checkSoon();
  }

  #answer(from: Address, answer: ReceiptMessage): void {
    const { awareness, sendDirect, surroundings, live } = this.#options;
    // Where the connection has ended since, they ask anew.
    if (typeof from === 'string') {
      sendDirect(from, encodeMessage(answer));
      return;
    }
    const states = awareness.getStates();
    const { peer, viewer } = states.get(from) ?? {};
    const isTold = viewer !== true && typeof peer === 'string' && sendDirect(peer, encodeMessage(answer));
    if (isTold || !states.has(from)) return;
    this.#answers.push(this.#encode(answer));
    const between = Math.max(RECEIPTS.between, RECEIPTS.betweenEach * states.size);
    const wait = Math.max(
      surroundings.random() * RECEIPTS.spread * states.size,
      this.#saidAt + between - surroundings.now(),
    );
    this.#cancelSpread ??= surroundings.after(wait, () => {
      this.#cancelSpread = null;
      if (this.#answers.length > 0) live.changed();
    });
  }

  #encode(message: ReceiptMessage): string {
    return encodeBase64url(encodeMessage(message));
  }
}

function read(text: string): ReceiptMessage | null {
  const bytes = decodeBase64url(text);
  return bytes && decodeMessage(bytes);
}

function textOf({ people, ids }: ReceiptFacts): string {
  return [people, ...ids].join();
}

/**
 * What of it the tabs of a device may have done, which come by way of others where two of them lead for a moment. Nobody knows who deleted
 * something; what had been written on the device counts, so that too little is claimed rather than too much.
 */
function ofClients(
  { inserted, deleted }: Holdings,
  clients: readonly { readonly client: number }[],
): Holdings {
  // What this tab does is no news to it.
  if (clients.length < 2) return NOTHING;
  const own = new Set(clients.map(({ client }) => client));
  const pick = (ranges: Holdings['inserted']) => new Map([...ranges].filter(([client]) => own.has(client)));
  return { inserted: pick(inserted), deleted: pick(deleted) };
}
