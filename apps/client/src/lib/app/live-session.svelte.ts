import { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { settleHue } from '../session/person.ts';
import { Presence } from '../people/presence.svelte.ts';
import { encodeBase64url } from '@parley/signaling/base64url';
import {
  createDocument,
  documentState,
  metaOf,
  mirrorDocument,
  readTitle,
  type DocumentState,
} from '../session/document.ts';
import { SessionError, type ErrorCode } from '../session/errors.ts';
import { secureRandom } from '../session/keys.ts';
import { formatLink } from '../session/link.ts';
import { unlockByAddress, type Unlocked } from '../session/opening.ts';
import { DeviceStore, type DeviceState } from '../sync/device.ts';
import type { HubState, Mesh } from '../sync/mesh.ts';
import { describeSync, type SyncFacts, type SyncStatus } from '../sync/status.ts';
import type { SessionRecord } from './database.ts';
import { hubAddress } from './hub-address.ts';
import { install } from './install.svelte.ts';
import { openLock, sessions } from './session-list.svelte.ts';
import { thisPerson } from './this-person.svelte.ts';

/** How long a newcomer looks for others before it is said that nobody is there, in milliseconds. */
const LOOK_FOR = 5_000;

/** How long until opening the device's storage, or loading the mesh, is tried again, in milliseconds. */
const TRY_AGAIN_AFTER = 5_000;

/** Sessions that were left while this tab had the only copy of their last changes: they stay open behind the scenes. */
const unsaved = new Map<string, LiveSession>();

/** A session that is open in this tab: its document, kept on the device and synced with whoever is there. */
export class LiveSession {
  readonly id: string;
  readonly doc = new Y.Doc();
  readonly awareness = new Awareness(this.doc);
  readonly presence = new Presence(this.awareness);
  /** Made on this device a moment ago. */
  readonly isFresh: boolean;
  readonly #unlocked: Unlocked;

  #device = $state<DeviceState>('saved');
  #hub = $state<HubState>('connecting');
  #online = $state(navigator.onLine);
  #isLooking = $state(true);
  #documentState = $state<DocumentState>('empty');
  #title = $state('');
  #unreadable = $state(0);
  #edited = false;
  #closed = false;
  #store: DeviceStore | undefined;
  #mesh: Mesh | undefined;
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
    const unlocked = await unlockByAddress(id, fragment, sessions.find(id)?.secret);
    const left = unsaved.get(id);
    if (left) {
      unsaved.delete(id);
      return { session: left, ignored: unlocked.ignored };
    }
    const session = new LiveSession(id, unlocked, sessions.find(id)?.fresh ?? false);
    try {
      await session.#holdLock();
      await session.#remember({ openedAt: Date.now() });
      await session.#load();
    } catch (error) {
      session.close();
      throw error;
    }
    return { session, ignored: unlocked.ignored };
  }

  private constructor(id: string, unlocked: Unlocked, isFresh: boolean) {
    this.id = id;
    this.#unlocked = unlocked;
    this.isFresh = isFresh;
  }

  get title(): string {
    return this.#title;
  }

  get documentState(): DocumentState {
    return this.#documentState;
  }

  get editable(): boolean {
    return this.#documentState === 'open';
  }

  /**
   * Whether the document may be written at this very moment. `editable` follows a little later, and in between an editor
   * would delete what a newer version has just put in.
   */
  get canWrite(): boolean {
    return documentState(this.doc) === 'open';
  }

  /**
   * The document to show. It is the document itself, unless a newer version wrote it: then it is a copy that
   * follows, because showing may mean changing ([DOC4]).
   */
  get shown(): Y.Doc {
    if (this.#documentState !== 'newer') return this.doc;
    this.#mirror ??= mirrorDocument(this.doc);
    return this.#mirror.mirror;
  }

  /** What the person has to know, because work could be lost or cannot be done; null when all is well. */
  get trouble(): ErrorCode | null {
    if (this.#device !== 'saving' && this.#device !== 'saved') return this.#device;
    if (this.#documentState === 'newer') return 'document/newer';
    return this.#unreadable > 0 ? 'device/damaged' : null;
  }

  /** This tab has changes that are nowhere on this device. */
  get isUnsaved(): boolean {
    return this.#edited && this.#device !== 'saved';
  }

  get online(): boolean {
    return this.#online;
  }

  get facts(): SyncFacts {
    return {
      device: this.#device,
      online: this.#online,
      hub: this.#hub,
      others: this.presence.others.length,
      waiting: this.#documentState === 'empty',
      looking: this.#isLooking,
    };
  }

  get sync(): SyncStatus {
    return describeSync(this.facts);
  }

  /** The path and fragment of the link that lets its holder edit. */
  editLink(): Promise<string> {
    return formatLink(this.id, 'e', this.#unlocked.secret);
  }

  /**
   * Looks at another link to this session.
   *
   * @returns why it is no good, or null if it is
   */
  async checkLink(fragment: string): Promise<ErrorCode | null> {
    const { ignored } = await unlockByAddress(this.id, fragment, encodeBase64url(this.#unlocked.secret));
    return ignored;
  }

  /** Tells the others at which page this person looks. */
  showPage(page: string): void {
    this.awareness.setLocalStateField('page', page);
  }

  /** Joins the mesh. Loaded late, so that the content is there first. */
  async connect(): Promise<void> {
    if (this.#closed || this.#mesh) return;
    let module: typeof import('../sync/mesh.ts');
    try {
      module = await import('../sync/mesh.ts');
    } catch {
      // The code could not be fetched, for want of a network or of a relay.
      this.#hub = 'unreachable';
      this.#after(TRY_AGAIN_AFTER, () => void this.connect());
      return;
    }
    // The session may have been left while the code was loading.
    if (this.#closed || this.#mesh) return;
    const { room, password } = this.#unlocked.keys.mesh;
    const { doc, awareness } = this;
    const onHub = (hub: HubState) => {
      this.#hub = hub;
      if (hub === 'connected') this.#after(LOOK_FOR, () => (this.#isLooking = false));
    };
    this.#mesh = new module.Mesh({ doc, awareness, room, password, hub: hubAddress(this.id), onHub });
  }

  /** The person goes elsewhere in the app. What only this tab has stays open until it is saved or the tab is closed. */
  leave(): void {
    const isOnlyHere = this.isUnsaved || (this.isFresh && this.#device !== 'saved');
    if (isOnlyHere) unsaved.set(this.id, this);
    else this.close();
  }

  /** Ends everything that this session does here. What is on its way to the device still gets there. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const stop of this.#stop.splice(0)) stop();
    this.#mesh?.destroy();
    this.#store?.close();
    this.#mirror?.stop();
    this.awareness.destroy();
    this.doc.destroy();
  }

  async #load(): Promise<void> {
    await this.#openStore();
    this.#observe();
    if (this.isFresh) {
      if (documentState(this.doc) === 'empty') createDocument(this.doc, Date.now(), secureRandom);
      await this.#store?.settled();
      // Where the device kept the key and not the document, the next visit lays it out again: it had no content yet.
      if (this.#store?.state === 'saved' || !sessions.keeps(this.id)) await this.#remember({ fresh: false });
    }
    // From here on, what this tab changes is a person's doing.
    this.doc.on('update', (_update, _origin, _doc, transaction: Y.Transaction) => {
      if (!transaction.local) return;
      this.#edited = true;
      install.offer();
      // It was forgotten in another tab, and is worked on all the same.
      if (!sessions.find(this.id)) void this.#remember({});
    });
  }

  async #openStore(): Promise<void> {
    try {
      const store = await DeviceStore.open(this.id, this.doc, (state) => this.#noteDevice(state));
      if (this.#closed) {
        store.close();
        return;
      }
      this.#store = store;
      this.#unreadable = store.unreadable;
      this.#noteDevice(store.state);
    } catch (error) {
      if (!(error instanceof SessionError)) throw error;
      this.#noteDevice(error.code === 'device/full' ? error.code : 'device/unavailable');
      this.#after(TRY_AGAIN_AFTER, () => void this.#openStore());
    }
  }

  #noteDevice(state: DeviceState): void {
    this.#device = state;
    if (state !== 'saved') return;
    if (unsaved.get(this.id) === this) {
      unsaved.delete(this.id);
      this.close();
    }
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

  /** Puts this session onto the device's list, with what is known of it and what has changed. */
  async #remember(change: Partial<SessionRecord>): Promise<void> {
    const { id } = this;
    await sessions.put({
      secret: encodeBase64url(this.#unlocked.secret),
      title: this.#title,
      openedAt: Date.now(),
      fresh: this.isFresh,
      forgottenAt: null,
      ...sessions.find(id),
      id,
      ...change,
    });
  }

  #observe(): void {
    const meta = metaOf(this.doc);
    const rememberTitle = () => {
      // The list of sessions shows the title without opening the document.
      const known = sessions.find(this.id);
      if (known && known.title !== this.#title) void sessions.change(this.id, { title: this.#title });
    };
    let remember: ReturnType<typeof setTimeout> | undefined;
    const read = () => {
      this.#documentState = documentState(this.doc);
      this.#title = readTitle(this.doc);
      clearTimeout(remember);
      // Every key would be a write otherwise.
      remember = setTimeout(rememberTitle, 300);
    };
    read();
    if (this.#documentState !== 'empty') rememberTitle();
    meta.observe(read);

    const network = () => (this.#online = navigator.onLine);
    const warn = (event: BeforeUnloadEvent) => {
      if (this.isUnsaved && this.trouble) event.preventDefault();
    };
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
