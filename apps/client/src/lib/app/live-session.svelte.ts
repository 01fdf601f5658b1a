import { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { settleHue } from '../session/person.ts';
import { Presence } from '../people/presence.svelte.ts';
import { encodeBase64url } from '@parley/signaling/base64url';
import {
  BROUGHT_OVER,
  createDocument,
  documentState,
  metaOf,
  mirrorDocument,
  protectDocument,
  readMoved,
  readTitle,
  type DocumentState,
  type Moved,
} from '../session/document.ts';
import type { ErrorCode } from '../session/errors.ts';
import { secureRandom } from '../session/keys.ts';
import { formatLink } from '../session/link.ts';
import { unlockByAddress, type Access, type Unlocked } from '../session/opening.ts';
import { NOT_CONNECTED, type ConnectionFacts } from '../sync/connection-facts.ts';
import type { Connections } from '../sync/connections.ts';
import { listReached, type Reached } from '../sync/reached.ts';
import type { SyncFacts } from '../sync/status.ts';
import type { SessionRecord } from './database.ts';
import { onDeviceChange } from './device-changes.ts';
import { DeviceCopy } from './device-copy.svelte.ts';
import { install } from './install.svelte.ts';
import { openLock, sessions } from './session-list.svelte.ts';
import { thisPerson } from './this-person.svelte.ts';

/** How long a newcomer looks for others before it is said that nobody is there, in milliseconds. */
const LOOK_FOR = 5_000;

/** How long until loading the code of the connections is tried again, in milliseconds. */
const TRY_AGAIN_AFTER = 5_000;

/** How long a session that was left stays open so that its last changes get to the relay, in milliseconds. */
const DELIVER_WITHIN = 5_000;

/**
 * Sessions that were left with changes that only this tab has, or that are on their way to the relay: they stay open behind
 * the scenes.
 */
const behind = new Map<string, LiveSession>();

/** A session that is open in this tab: its document, kept on the device and synced with whoever is there. */
export class LiveSession {
  readonly id: string;
  readonly doc = new Y.Doc();
  readonly awareness = new Awareness(this.doc);
  readonly presence = new Presence(this.awareness);
  /** Made on this device a moment ago. */
  readonly isFresh: boolean;
  /** Called when the document has to be opened anew from the device, because a change that arrived has broken it here. */
  onpoisoned: (() => void) | null = null;
  readonly #unlocked: Unlocked;
  readonly #device: DeviceCopy;

  #connected = $state.raw(NOT_CONNECTED);
  /** How this device connects, once that was looked up. */
  #thisDevice = $state.raw<typeof import('./this-device.svelte.ts').thisDevice>();
  #isFollowing = $state(false);
  #online = $state(navigator.onLine);
  #isLooking = $state(true);
  #documentState = $state<DocumentState>('empty');
  #title = $state('');
  #moved = $state.raw<Moved | null>(null);
  #edited = false;
  #closed = false;
  /** Until when it stays open for the relay's sake once it was left, in milliseconds since 1970. */
  #deliverUntil = 0;
  #connections: Connections | undefined;
  /** Presence, while the session is only open behind the scenes. */
  #away: Record<string, unknown> | null = null;
  #mirror: ReturnType<typeof mirrorDocument> | undefined;
  #stop: (() => void)[] = [];

  /**
   * Opens a session by its address: finds the key, loads what the device has, and then looks for others.
   *
   * @param fragment the address's fragment
   * @returns the session; `ignored` when the address carried a key that was no good and the known one was taken
   * @throws {SessionError} what {@link unlockByAddress} throws
   */
  static async open(
    id: string,
    fragment: string,
  ): Promise<{ session: LiveSession; ignored: ErrorCode | null }> {
    await Promise.all([sessions.load(Date.now()), thisPerson.load()]);
    const unlocked = await unlock(id, fragment, sessions.find(id));
    const left = behind.get(id);
    if (left?.access === unlocked.kind) {
      left.#comeBack();
      return { session: left, ignored: unlocked.ignored };
    }
    await left?.close();
    const session = new LiveSession(id, unlocked, sessions.find(id)?.fresh ?? false);
    try {
      await session.#holdLock();
      await session.#remember({ openedAt: Date.now() });
      await session.#load();
    } catch (error) {
      void session.close();
      throw error;
    }
    return { session, ignored: unlocked.ignored };
  }

  private constructor(id: string, unlocked: Unlocked, isFresh: boolean) {
    this.id = id;
    this.#unlocked = unlocked;
    this.isFresh = isFresh;
    this.#device = new DeviceCopy(
      id,
      this.doc,
      unlocked.kind === 'edit',
      () => this.#closeIfDelivered(),
      () => this.#breakByDevice(),
    );
    if (unlocked.kind === 'edit') return;
    protectDocument(this.doc);
    this.awareness.setLocalStateField('viewing', true);
  }

  /** What this device's key lets its person do. */
  get access(): Access {
    return this.#unlocked.kind;
  }

  get title(): string {
    return this.#title;
  }

  /** The latest notice that somebody made new links for this session. */
  get moved(): Moved | null {
    return this.#moved;
  }

  get documentState(): DocumentState {
    return this.#documentState;
  }

  get editable(): boolean {
    return this.access === 'edit' && this.#documentState === 'open';
  }

  /**
   * Whether an editor may change what it shows at this very moment, as it does when it repairs something. A viewer's is a mirror from the
   * first moment on. Otherwise `shown` follows a little later than the document is newer, and in between an editor would delete what a
   * newer version has just put in.
   */
  get canRepair(): boolean {
    return this.access === 'view' || documentState(this.doc) === 'open';
  }

  /**
   * The document to show. It is the document itself, unless a newer version wrote it or the person may only read: then it is a copy that
   * follows, because showing may mean changing ([DOC4]).
   */
  get shown(): Y.Doc {
    if (this.access === 'edit' && this.#documentState !== 'newer') return this.doc;
    this.#mirror ??= mirrorDocument(this.doc);
    return this.#mirror.mirror;
  }

  /** What the person has to know, because work could be lost or cannot be done; null when all is well. */
  get trouble(): ErrorCode | null {
    if (this.#device.trouble) return this.#device.trouble;
    if (this.#documentState === 'newer') return 'document/newer';
    // Before anything has arrived, the page itself says so.
    const { trouble } = this.#connected.mailbox;
    if (trouble && this.#documentState !== 'empty') return trouble;
    return this.#device.isDamaged ? 'device/damaged' : null;
  }

  /** This tab has changes that are nowhere on this device. */
  get isUnsaved(): boolean {
    return this.#edited && this.#device.state !== 'saved';
  }

  get facts(): SyncFacts {
    const { hub, mailbox, lastTrouble, isMeshShut } = this.#connected;
    const { others } = this.presence;
    return {
      ...{ hub, mailbox, lastTrouble, isMeshShut },
      device: this.#device.state,
      online: this.#online,
      viewing: this.access === 'view',
      others: others.length,
      having: this.reached.filter(({ having }) => having).length,
      waiting: this.#documentState === 'empty',
      looking: this.#isLooking,
      following: this.#isFollowing,
      relayOnly: this.#thisDevice?.relayOnly ?? false,
    };
  }

  /** The others who are present, and how each of them is reached. */
  get reached(): Reached[] {
    const { connections, having, mailbox } = this.#connected;
    const isRelayReached = this.#online && mailbox.state !== 'unreachable' && mailbox.state !== 'starting';
    return listReached(this.presence.others, connections, having, isRelayReached);
  }

  /** Looks anew how the others are reached. */
  look(): void {
    this.#connections?.look();
  }

  /**
   * Path and fragment of the links that this person can hand on; `edit` is null for who has none.
   *
   * @param access an access key of the relay, to be given along; null for none
   */
  async links(access: string | null): Promise<{ edit: string | null; view: string }> {
    const { kind, secret, view } = this.#unlocked;
    return {
      edit: kind === 'edit' ? await formatLink(this.id, 'e', secret, access) : null,
      view: await formatLink(this.id, 'v', view.secret, access),
    };
  }

  /**
   * Looks at another link to this session.
   *
   * @returns `ignored`: why it is no good, or null if it is; `isOther`: it is good and another one than this session was opened with
   */
  async checkLink(fragment: string): Promise<{ ignored: ErrorCode | null; isOther: boolean }> {
    const own = this.#key;
    const { ignored, secret } = await unlock(this.id, fragment, own);
    return { ignored, isOther: encodeBase64url(secret) !== own.secret };
  }

  /** Resolves once nothing is on its way to the device: whether all that the document holds is committed there. */
  committed(): Promise<boolean> {
    return this.#device.committed();
  }

  /** Tells the others at which page this person looks. */
  showPage(page: string): void {
    this.awareness.setLocalStateField('page', page);
  }

  /** Begins to sync with others. Their code is loaded late, so that the content is there first. */
  async connect(): Promise<void> {
    this.#after(LOOK_FOR, () => (this.#isLooking = false));
    await this.#openConnections();
  }

  /** The person goes elsewhere in the app. What is on its way stays open until it is there, what only this tab has until it is saved. */
  leave(): void {
    this.#away = this.awareness.getLocalState();
    this.awareness.setLocalState(null);
    behind.set(this.id, this);
    this.#connections?.flush();
    const { state, trouble, onRelay } = this.#connected.mailbox;
    // A mailbox that is still being opened may well be reached.
    const isReached = this.#online && state !== 'unreachable';
    const isOnItsWay = this.#edited && isReached && trouble === null && !onRelay;
    this.#deliverUntil = isOnItsWay ? Date.now() + DELIVER_WITHIN : 0;
    this.#after(DELIVER_WITHIN, () => this.#closeIfDelivered());
    this.#closeIfDelivered();
  }

  /**
   * Ends everything that this session does here. What is on its way to the device still gets there.
   *
   * @returns resolves when it may be opened anew
   */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (behind.get(this.id) === this) behind.delete(this.id);
    for (const stop of this.#stop.splice(0)) stop();
    const connections = this.#connections?.close();
    this.#device.close();
    this.#mirror?.stop();
    await connections;
    this.awareness.destroy();
    this.doc.destroy();
  }

  #comeBack(): void {
    behind.delete(this.id);
    this.awareness.setLocalState({ ...this.#away, user: { ...thisPerson.current } });
  }

  #closeIfDelivered(): void {
    if (behind.get(this.id) !== this) return;
    const isOnlyHere = this.isUnsaved || (this.isFresh && this.#device.state !== 'saved');
    const isOnItsWay = !this.#connected.mailbox.onRelay && Date.now() < this.#deliverUntil;
    if (!isOnlyHere && !isOnItsWay) void this.close();
  }

  async #openConnections(): Promise<void> {
    let loaded: Awaited<ReturnType<typeof loadConnecting>>;
    try {
      loaded = await loadConnecting();
    } catch {
      // The code could not be fetched, for want of a network or of a relay.
      const unreachableSince = this.#connected.mailbox.unreachableSince ?? Date.now();
      const mailbox = { ...NOT_CONNECTED.mailbox, state: 'unreachable' as const, unreachableSince };
      this.#connected = { ...NOT_CONNECTED, hub: 'unreachable', mailbox };
      this.#after(TRY_AGAIN_AFTER, () => void this.#openConnections());
      return;
    }
    const [module, { thisDevice }, { hubAddress, relayOrigin }] = loaded;
    await thisDevice.load();
    this.#thisDevice = thisDevice;
    // The session may have been left while the code was loading.
    if (this.#closed || this.#device.isBroken || this.#connections) return;
    const { keys, view } = this.#unlocked;
    const { id: sessionId, doc, awareness } = this;
    const { relayOnly, accessKey } = thisDevice;
    const connections = new module.Connections({
      ...{ sessionId, doc, awareness, keys, view, relayOnly, accessKey },
      relay: relayOrigin(),
      hub: hubAddress(sessionId),
      committed: () => this.committed(),
      readAgain: () => this.#device.readAgain(),
      onFacts: (facts, isFollowing) => this.#noteConnections(facts, isFollowing),
      onBroken: () => this.#device.discard(),
      onPoisoned: () => void this.#openAnew(),
    });
    this.#connections = connections;
    this.#stop.push(
      $effect.root(() => {
        $effect(() => connections.reachThroughRelayOnly(thisDevice.relayOnly));
        $effect(() => connections.useAccessKey(thisDevice.accessKey));
      }),
    );
  }

  #noteConnections(facts: ConnectionFacts, isFollowing: boolean): void {
    this.#connected = facts;
    this.#isFollowing = isFollowing;
    this.#closeIfDelivered();
  }

  /** What another tab has put onto the device could not be applied to its end. The device keeps it, and reads it as a whole. */
  #breakByDevice(): void {
    this.#connections?.discard();
    void this.#openAnew();
  }

  /** A change from the mailbox has broken the document in this tab. On the device it is whole. */
  async #openAnew(): Promise<void> {
    // Where the device does not have all of it, the broken one is still more than nothing: the mailbox's trouble and the device's
    // are told, and the person can copy.
    if (!(await this.committed())) return;
    if (behind.get(this.id) === this) void this.close();
    else this.onpoisoned?.();
  }

  async #load(): Promise<void> {
    await this.#device.open();
    this.#observe();
    if (this.isFresh) {
      if (documentState(this.doc) === 'empty') createDocument(this.doc, Date.now(), secureRandom);
      const isKept = await this.committed();
      // Where the device kept the key and not the document, the next visit lays it out again: it had no content yet.
      if (isKept || !sessions.keeps(this.id)) await this.#remember({ fresh: false });
    }
    if (this.access === 'view') return;
    // From here on, what this tab changes is a person's doing.
    this.doc.on('update', (_update, origin, _doc, transaction: Y.Transaction) => {
      if (!transaction.local && origin !== BROUGHT_OVER) return;
      this.#edited = true;
      install.offer();
      // It was forgotten in another tab, and is worked on all the same.
      if (!sessions.find(this.id)) void this.#remember({});
    });
  }

  /** While a tab holds this lock, another one does not delete the session's data when it is forgotten there. */
  #holdLock(): Promise<void> {
    return new Promise((resolve) => {
      const held = () => {
        resolve();
        return new Promise<void>((release) => this.#stop.push(release));
      };
      // Where site data is blocked there are no locks, and nothing that could be deleted.
      navigator.locks.request(openLock(this.id), { mode: 'shared' }, held).catch(() => resolve());
    });
  }

  /** The key, as the device's list remembers it. */
  get #key() {
    const { kind } = this.#unlocked;
    const secret = encodeBase64url(this.#unlocked.secret);
    const known = sessions.find(this.id);
    const hasProven = known?.secret === secret && known.proven;
    return { kind, secret, proven: kind === 'edit' || hasProven || documentState(this.doc) !== 'empty' };
  }

  /** Puts this session onto the device's list, with what is known of it and what has changed. */
  async #remember(change: Partial<SessionRecord>): Promise<void> {
    const { id } = this;
    await sessions.put({
      title: this.#title,
      openedAt: Date.now(),
      fresh: this.isFresh,
      forgottenAt: null,
      ...sessions.find(id),
      id,
      ...this.#key,
      ...change,
    });
  }

  #observe(): void {
    const meta = metaOf(this.doc);
    const rememberTitle = () => {
      // The list of sessions shows the title without opening the document.
      const known = sessions.find(this.id);
      const isProven = this.#documentState !== 'empty';
      if (!known || (known.title === this.#title && (known.proven || !isProven))) return;
      // Another tab may have opened it with another key in the meantime.
      const isSameKey = known.secret === this.#key.secret;
      void sessions.change(this.id, { title: this.#title, ...(isSameKey && isProven && { proven: true }) });
    };
    let remember: ReturnType<typeof setTimeout> | undefined;
    const read = () => {
      this.#documentState = documentState(this.doc);
      this.#title = readTitle(this.doc);
      this.#moved = readMoved(this.doc, this.id);
      clearTimeout(remember);
      // Every key would be a write otherwise.
      remember = setTimeout(rememberTitle, 300);
    };
    read();
    if (this.#documentState !== 'empty') rememberTitle();
    meta.observe(read);

    const network = () => (this.#online = navigator.onLine);
    const warn = (event: BeforeUnloadEvent) => {
      // What is on the relay can be got back by who has the key; this device keeps it, or else only the link in the address bar does.
      const isElsewhere = this.#connected.mailbox.onRelay && sessions.keeps(this.id);
      if (this.isUnsaved && this.#device.trouble && !isElsewhere) event.preventDefault();
    };
    this.#stop.push(onDeviceChange(this.id, () => void this.#device.readAgain()));
    addEventListener('online', network);
    addEventListener('offline', network);
    addEventListener('beforeunload', warn);
    this.#stop.push(() => {
      removeEventListener('online', network);
      removeEventListener('offline', network);
      removeEventListener('beforeunload', warn);
      clearTimeout(remember);
      if (this.#documentState !== 'empty') rememberTitle();
    });
    this.#stop.push(
      $effect.root(() => {
        $effect(() => this.awareness.setLocalStateField('user', { ...thisPerson.current }));
        // People are told apart by colour: of two that have the same, one takes another.
        $effect(() => {
          const hue = settleHue(thisPerson.current, this.presence.others);
          if (hue !== thisPerson.current.hue) void thisPerson.change({ hue });
        });
      }),
    );
  }

  #after(milliseconds: number, action: () => void): void {
    const timer = setTimeout(action, milliseconds);
    this.#stop.push(() => clearTimeout(timer));
  }
}

/** Loads what connects a session, and how this device does that. Rejects where the code cannot be fetched. */
function loadConnecting() {
  return Promise.all([
    import('../sync/connections.ts'),
    import('./this-device.svelte.ts'),
    import('./relay-address.ts'),
  ]);
}

/** Finds the key. An access key that the link gives along becomes the device's before anything is asked with it ([LK12]). */
async function unlock(...address: Parameters<typeof unlockByAddress>): Promise<Unlocked> {
  const unlocked = await unlockByAddress(...address);
  const { access } = unlocked;
  if (access !== undefined) await (await import('./access-key.ts')).receiveAccessKey(access);
  return unlocked;
}
