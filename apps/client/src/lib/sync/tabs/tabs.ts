import type { Awareness } from 'y-protocols/awareness';
import type * as Y from 'yjs';
import { encodeBase64url } from '@parley/signaling/base64url';
import type { Surroundings } from '../surroundings.ts';
import { TabChange } from './change.ts';
import { coversClock, joinClocks, type TabClock } from './clock.ts';
import { TabDocument } from './documents.ts';
import {
  advanceElection,
  joinElection,
  type Election,
  type ElectionEffect,
  type ElectionEvent,
} from './election.ts';
import { requestLock } from './lock.ts';
import { parseMessage, type OpenTab, type TabBody, type TabKind, type TabMessage } from './messages.ts';
import type { TabChannel, TabPorts } from './ports.ts';
import { TabPresence } from './presence.ts';
import { Roster } from './roster.ts';
import { TabTold } from './told.ts';

/** In milliseconds. */
const TABS = {
  /** What another tab has and this one does not is asked for after so long, and then after twice, four times … as long. */
  askAfter: 1_000,
  /** So often in a row. */
  asks: 5,
} as const;

/** A tab that is open on this device with the same key. */
export interface TabClient {
  /** Its client id in the awareness. */
  readonly client: number;
  /** Under which its presence goes through the relay: 16 random bytes in base64url. */
  readonly sender: string;
}

export interface TabsOptions {
  readonly sessionId: string;
  readonly kind: TabKind;
  /** Loaded from the device, as far as that has it. */
  readonly doc: Y.Doc;
  readonly awareness: Awareness;
  readonly surroundings: Surroundings;
  /** What kind of thing is told with {@link Tabs.tell}: what a leader with another one tells is not handed on. */
  readonly tells: string;
  /** What the browser offers; null where every tab is alone. */
  readonly ports: TabPorts | null;
  /** Resolves once nothing is on its way to the device: whether all that the document holds is committed there. Does not reject. */
  committed(): Promise<boolean>;
  /** Reads what other tabs have committed to the device, and applies what the document lacks. Does not reject. */
  readAgain(): Promise<void>;
  /** This tab holds the connections from now on. */
  lead(): void;
  /** It has been taken over: lets go of everything. Resolves when that is done; should it reject, that is reported, and counts as done. */
  follow(): Promise<void>;
  /** What the leader tells of its connections, once it is true of this tab's document too; null while that is not known. */
  onTold(told: unknown): void;
  /** {@link Tabs.clients} has changed. */
  onTabs(): void;
  /** What the document has just emitted comes of another tab's update that failed halfway, and must not be kept. */
  onBroken(): void;
}

/**
 * The tabs of this browser profile that have one session open: one of those with the same key leads and holds the connections, the others
 * follow ([TB1]). Begins at once; without locks or a way between tabs every tab leads for itself ([TB11]).
 */
export class Tabs {
  readonly #options: TabsOptions;
  readonly #self: OpenTab;
  readonly #ports: TabPorts | null;
  readonly #document: TabDocument;
  readonly #presence: TabPresence;
  readonly #roster: Roster;
  readonly #told: TabTold;
  /** Null until the other tabs can be heard. */
  #election: Election | null = null;
  #channel: TabChannel | null = null;
  /** What another tab has and this one may lack. */
  #wanted: TabClock = {};
  #asks = 0;
  /** Nobody else is heard, and nobody is told anything. */
  #isAlone = false;
  /** It has said goodbye: whatever it said now would put it, and what it knows, back with the others. */
  #isAway = false;
  #isClosed = false;
  #releaseLead = (): void => undefined;
  #cancelWake: (() => void) | null = null;
  #cancelAsk: (() => void) | null = null;
  readonly #stop: (() => void)[] = [];

  constructor(options: TabsOptions) {
    const { doc, awareness, surroundings, kind } = options;
    this.#options = options;
    this.#self = {
      tab: encodeBase64url(surroundings.randomBytes(9)),
      kind,
      client: awareness.clientID,
      sender: encodeBase64url(surroundings.randomBytes(16)),
    };
    const { tab } = this.#self;
    this.#ports = options.ports;
    const post = (body: TabBody) => this.#post(body);
    this.#document = new TabDocument({
      ...{ tab, kind, doc, tell: post },
      answer: (answer) => post({ ...answer, tabs: this.#roster.all }),
      committed: () => options.committed(),
      onBroken: () => options.onBroken(),
      onKnown: () => this.#known(),
    });
    this.#presence = new TabPresence({
      ...{ awareness, post, isLeading: () => this.isLeading },
      now: () => surroundings.now(),
    });
    this.#told = new TabTold({
      ...{ tells: options.tells, surroundings, post },
      isLeading: () => this.isLeading,
      known: () => this.#document.known,
      onTold: (told) => options.onTold(told),
    });
    this.#roster = new Roster({
      self: this.#self,
      locks: this.#ports?.locks ?? null,
      lockOf: (other) => tabLock(options.sessionId, other),
      isLeading: () => this.isLeading,
      onGone: (client) => this.#noteGone(client),
      onFoundGone: (other, client) => this.#foundGone(other, client),
      onTabs: () => options.onTabs(),
    });
    this.#begin();
  }

  get isLeading(): boolean {
    return this.#isAlone || this.#election?.phase === 'leading';
  }

  /** The tabs of this device with the same key, this one first. */
  get clients(): readonly TabClient[] {
    return this.#roster.alike.map(({ client, sender }) => ({ client, sender }));
  }

  /** Whether a transaction with this origin brought what was done in another tab of this device, not what it merely received. */
  isOfTab(origin: unknown): boolean {
    return origin instanceof TabChange && origin.own;
  }

  /**
   * Tells the other tabs about this leader's connections; newcomers are told as well. To be called in the same turn in which it changes: it
   * has to be true of the document as it is now.
   *
   * @param told anything that can be cloned
   */
  tell(told: unknown): void {
    this.#told.tell(told);
  }

  /** What the document has just emitted comes of an update that failed halfway: nothing of it is told. To be called before anything else happens. */
  discard(): void {
    this.#document.discard();
  }

  /**
   * Says goodbye to the other tabs; what waits is told at once. From then on they hear of changes and of nothing else, so that they do not
   * learn how this tab lets go of its connections. It leads on, if it does, until {@link Tabs.close}.
   */
  leave(): void {
    this.#document.flush();
    this.#post({ type: 'bye' });
    this.#isAway = true;
  }

  /** Leaves the other tabs, and another one leads. To be called before document and awareness are destroyed. */
  close(): void {
    if (this.#isClosed) return;
    this.leave();
    this.#isClosed = true;
    for (const stop of this.#stop.splice(0)) stop();
    for (const cancel of [this.#cancelWake, this.#cancelAsk]) cancel?.();
    this.#told.stop();
    this.#roster.unwatch();
    this.#document.stop();
    this.#presence.stop();
    this.#releaseLead();
    this.#channel?.close();
  }

  #begin(): void {
    const ports = this.#ports;
    if (!ports) {
      this.#isAlone = true;
      // As in a browser with locks, whoever made this object has it by then.
      queueMicrotask(() => {
        if (!this.#isClosed) this.#options.lead();
      });
      return;
    }
    const { sessionId } = this.#options;
    // Before anybody hears of this tab its lock is held: who gets it knows that the tab has ended.
    this.#stop.push(
      requestLock(ports.locks, tabLock(sessionId, this.#self.tab), false, {
        granted: () => this.#join(ports),
        lost: () => undefined,
        refused: () => this.#beAlone(),
      }),
    );
  }

  #join(ports: TabPorts): void {
    const { sessionId } = this.#options;
    try {
      this.#channel = ports.openChannel(`parley/tabs/${sessionId}`, (data) => this.#receive(data));
    } catch {
      this.#beAlone();
      return;
    }
    this.#stop.push(
      ports.listen('visibilitychange', () => this.#happen({ type: ports.isHidden() ? 'hidden' : 'shown' })),
      ports.listen('resume', () => this.#comeBack()),
      ports.listen('pagehide', () => this.leave()),
      ports.listen('pageshow', (event) => {
        if ((event as PageTransitionEvent).persisted) this.#comeBack();
      }),
    );
    this.#hello();
    const [election, ...effects] = joinElection(this.#self.tab, ports.isHidden(), this.#moment());
    this.#proceed(election, effects);
  }

  /** Where site data is blocked there is no lock to be had. */
  #beAlone(): void {
    if (this.#isClosed) return;
    this.#isAlone = true;
    this.#told.lead();
    this.#options.lead();
  }

  #moment() {
    const { surroundings } = this.#options;
    return { now: surroundings.now(), random: surroundings.random() };
  }

  #happen(event: ElectionEvent): void {
    if (!this.#election || this.#isClosed || this.#isAlone) return;
    const [election, ...effects] = advanceElection(this.#election, event, this.#moment());
    this.#proceed(election, effects);
  }

  #proceed(election: Election, effects: readonly ElectionEffect[]): void {
    const { surroundings } = this.#options;
    this.#election = election;
    this.#cancelWake?.();
    this.#cancelWake =
      election.due === null
        ? null
        : surroundings.after(Math.max(0, election.due - surroundings.now()), () =>
            this.#happen({ type: 'woke' }),
          );
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: ElectionEffect): void {
    switch (effect.type) {
      case 'send':
        this.#post(effect.message);
        return;
      case 'queue':
        this.#requestLead(false);
        return;
      case 'steal':
        this.#requestLead(true);
        return;
      case 'lead':
        this.#lead();
        return;
      case 'follow':
        this.#letGo();
        return;
    }
  }

  #requestLead(steal: boolean): void {
    if (!this.#ports) return;
    const { sessionId, kind } = this.#options;
    this.#releaseLead();
    this.#releaseLead = requestLock(this.#ports.locks, leadLock(sessionId, kind), steal, {
      granted: () => this.#happen({ type: 'granted' }),
      lost: () => this.#happen({ type: 'stolen' }),
      refused: () => this.#beAlone(),
    });
  }

  #lead(): void {
    this.#told.lead();
    this.#hello();
    this.#roster.watchAll();
    void this.#options.readAgain();
    this.#options.lead();
  }

  #letGo(): void {
    this.#roster.unwatch();
    this.#told.follow();
    const haveLetGo = () => {
      this.#happen({ type: 'let-go' });
      // Who leads now may have said so while this tab could not hear it.
      this.#hello();
    };
    void this.#options.follow().then(haveLetGo, (error: unknown) => {
      // Even so this tab holds nothing any more, and may have to lead again.
      haveLetGo();
      reportError(error);
    });
  }

  #hello(): void {
    this.#post({ type: 'hello', vector: this.#document.vector });
    this.#presence.tellAll();
  }

  /** The page was away, and may have missed anything. */
  #comeBack(): void {
    const { awareness } = this.#options;
    this.#isAway = false;
    void this.#options.readAgain();
    this.#hello();
    // The others have taken it away.
    awareness.setLocalState(awareness.getLocalState());
    this.#happen({ type: 'resumed' });
  }

  #post(body: TabBody): void {
    if (this.#isClosed || (this.#isAway && body.type !== 'change')) return;
    // A whole document also has what is told later, and what is told of it is told of all.
    const isOfAll = body.type === 'sync' || body.type === 'told';
    const clock = isOfAll ? this.#document.known : this.#document.clock;
    const message: TabMessage = { version: 1, from: this.#self, clock, leads: this.isLeading, body };
    this.#channel?.post(message);
  }

  #receive(data: unknown): void {
    const message = parseMessage(data);
    // One that this version does not understand says nothing to it.
    if (!message || this.#isClosed || message.from.tab === this.#self.tab) return;
    const { from, clock, body } = message;
    if (body.type === 'bye') this.#roster.forget(from.tab, from.client);
    // A change may also come of who has said goodbye.
    else if (body.type !== 'change') this.#roster.meet(from);
    if (body.type === 'hello') this.#answer(message, body.vector);
    if (body.type === 'sync') {
      for (const other of body.tabs) this.#roster.hearOf(other);
      this.#document.receiveSync(from.tab, clock, body);
    }
    if (body.type === 'change') this.#document.receiveChange(from.tab, body);
    if (body.type === 'gone') this.#roster.forget(body.tab, body.client);
    this.#want(clock);
    if (from.kind === this.#self.kind) this.#hear(message);
  }

  /** Another tab with the same key says something. */
  #hear({ from, clock, leads, body }: TabMessage): void {
    if (body.type === 'awareness') {
      this.#presence.receive(body, body.to === this.#self.tab);
      for (const client of this.#roster.goneClients) this.#presence.remove(client);
    }
    if (leads && !this.isLeading) this.#presence.renew();
    if (leads && body.type === 'hello') this.#told.forget();
    if (leads && body.type === 'told' && !this.isLeading) this.#told.hear(body, clock);
    this.#told.believe();
    this.#happen({ type: 'heard', from: from.tab, leads, message: body });
  }

  /** Who leads answers everybody; who has begun to lead is answered by all, because it must lack nothing ([TB7]). */
  #answer({ from, clock, leads }: TabMessage, vector: Uint8Array): void {
    if (!this.isLeading && !leads) return;
    this.#document.answer(from.tab, clock, vector);
    if (from.kind !== this.#self.kind) return;
    this.#presence.tellAll(this.isLeading ? from.tab : null);
    this.#told.tellAgain();
  }

  #noteGone(client: number): void {
    this.#presence.remove(client);
    // It may have been the one that led, and told something that was taken for this leader's.
    this.#told.tellSoon();
  }

  /** A tab has ended without a word, perhaps between committing something and telling it ([TB7]). */
  #foundGone(tab: string, client: number): void {
    this.#post({ type: 'gone', tab, client });
    void this.#options.readAgain();
  }

  /** This tab's document has grown. */
  #known(): void {
    this.#told.believe();
    this.#told.tellSoon();
  }

  /** Somebody has what this tab does not, though it may be on its way: if it does not come, it is asked for. */
  #want(clock: TabClock): void {
    this.#wanted = joinClocks(this.#wanted, clock);
    if (coversClock(this.#document.known, this.#wanted)) return;
    const wait = TABS.askAfter * 2 ** this.#asks;
    this.#cancelAsk ??= this.#options.surroundings.after(wait, () => {
      this.#cancelAsk = null;
      const isHere = coversClock(this.#document.known, this.#wanted);
      this.#asks += 1;
      if (!isHere) this.#hello();
      // What nobody gives has ended with the tab that had it.
      if (isHere || this.#asks === TABS.asks) {
        this.#asks = 0;
        this.#wanted = {};
      } else this.#want({});
    });
  }
}

function leadLock(sessionId: string, kind: TabKind): string {
  return `parley/lead/${kind}/${sessionId}`;
}

function tabLock(sessionId: string, tab: string): string {
  return `parley/tab/${sessionId}/${tab}`;
}
