import { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { Presence } from '../people/presence.svelte.ts';
import { encodeBase64url } from '../session/base64url.ts';
import {
  createDocument,
  documentState,
  metaOf,
  mirrorDocument,
  readTitle,
  type DocumentState,
} from '../session/document.ts';
import { SessionError, type ErrorCode } from '../session/errors.ts';
import { secureRandom, type EditKeys } from '../session/keys.ts';
import { formatLink } from '../session/link.ts';
import { unlockByAddress } from '../session/opening.ts';
import { DeviceStore, type DeviceState } from '../sync/device.ts';
import type { HubState, Mesh } from '../sync/mesh.ts';
import { describeSync, type SyncStatus } from '../sync/status.ts';
import { hubAddress } from './hub-address.ts';
import { install } from './install.svelte.ts';
import { openLock, sessions } from './session-list.svelte.ts';
import { thisPerson } from './this-person.svelte.ts';

/** A session that is open in this tab: its document, kept on the device and synced with whoever is there. */
export class LiveSession {
  readonly id: string;
  readonly doc = new Y.Doc();
  readonly awareness = new Awareness(this.doc);
  readonly presence = new Presence(this.awareness);
  /** The address carried a key that was no good; the session was opened with the one that this device knows. */
  readonly ignoredLink: ErrorCode | null;
  /** Made on this device a moment ago. */
  readonly isFresh: boolean;
  readonly #keys: EditKeys;
  readonly #secret: Uint8Array<ArrayBuffer>;

  #device = $state<DeviceState>('saved');
  #hub = $state<HubState>('connecting');
  #online = $state(navigator.onLine);
  #documentState = $state<DocumentState>('empty');
  #title = $state('');
  #store: DeviceStore | undefined;
  #mesh: Mesh | undefined;
  #mirror: ReturnType<typeof mirrorDocument> | undefined;
  #stop: (() => void)[] = [];

  /**
   * Opens a session by its address: finds the key, loads what the device has, and only then looks for others.
   *
   * @param fragment the address's fragment
   * @throws {SessionError} what {@link unlockByAddress} throws
   */
  static async open(id: string, fragment: string): Promise<LiveSession> {
    await Promise.all([sessions.load(), thisPerson.load()]);
    const known = sessions.find(id);
    const { keys, secret, ignored } = await unlockByAddress(id, fragment, known?.secret);
    const session = new LiveSession(id, keys, secret, ignored, known?.fresh ?? false);
    await sessions.put({
      id,
      secret: encodeBase64url(secret),
      title: known?.title ?? '',
      openedAt: Date.now(),
      fresh: known?.fresh ?? false,
      forgottenAt: null,
    });
    await session.#load();
    return session;
  }

  private constructor(
    id: string,
    keys: EditKeys,
    secret: Uint8Array<ArrayBuffer>,
    ignoredLink: ErrorCode | null,
    isFresh: boolean,
  ) {
    this.id = id;
    this.#keys = keys;
    this.#secret = secret;
    this.ignoredLink = ignoredLink;
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
    return this.#documentState === 'newer' ? 'document/newer' : null;
  }

  get online(): boolean {
    return this.#online;
  }

  get sync(): SyncStatus {
    return describeSync({
      device: this.#device,
      online: this.#online,
      hub: this.#hub,
      others: this.presence.others.length,
      waiting: this.#documentState === 'empty',
    });
  }

  /** The path and fragment of the link that lets its holder edit. */
  editLink(): Promise<string> {
    return formatLink(this.id, 'e', this.#secret);
  }

  /** Tells the others at which page this person looks. */
  showPage(page: string): void {
    this.awareness.setLocalStateField('page', page);
  }

  /** Joins the mesh. Loaded late, so that the content is there first. */
  async connect(): Promise<void> {
    const { Mesh } = await import('../sync/mesh.ts');
    // The session may have been left while the code was loading.
    if (this.doc.isDestroyed || this.#mesh) return;
    this.#mesh = new Mesh({
      doc: this.doc,
      awareness: this.awareness,
      room: this.#keys.mesh.room,
      password: this.#keys.mesh.password,
      hub: hubAddress(this.id),
      onHub: (hub) => (this.#hub = hub),
    });
  }

  /** Leaves the session. What is on its way to the device still gets there. */
  close(): void {
    for (const stop of this.#stop.splice(0)) stop();
    this.#mesh?.destroy();
    this.#store?.close();
    this.#mirror?.stop();
    this.awareness.destroy();
    this.doc.destroy();
  }

  async #load(): Promise<void> {
    this.#holdLock();
    try {
      this.#store = await DeviceStore.open(this.id, this.doc, (state) => (this.#device = state));
    } catch (error) {
      if (!(error instanceof SessionError)) throw error;
      this.#device = 'device/unavailable';
    }
    this.#observe();
    if (this.isFresh) {
      if (documentState(this.doc) === 'empty') createDocument(this.doc, Date.now(), secureRandom);
      await this.#store?.settled();
      if (this.#store?.state === 'saved') await sessions.change(this.id, { fresh: false });
    }
    // From here on, what this tab changes is a person's doing.
    this.doc.on('update', (_update, _origin, _doc, transaction: Y.Transaction) => {
      if (transaction.local) install.offer();
    });
  }

  /** While a tab holds this lock, another one does not delete the session's data when it is forgotten there. */
  #holdLock(): void {
    const released = new Promise<void>((resolve) => this.#stop.push(resolve));
    void navigator.locks.request(openLock(this.id), { mode: 'shared' }, () => released);
  }

  /** The list of sessions shows the title without opening the document. */
  #rememberTitle(): void {
    const known = sessions.find(this.id);
    if (known && known.title !== this.#title) void sessions.change(this.id, { title: this.#title });
  }

  #observe(): void {
    const meta = metaOf(this.doc);
    const read = () => {
      this.#documentState = documentState(this.doc);
      this.#title = readTitle(this.doc);
    };
    read();
    meta.observe(read);
    this.#rememberTitle();
    let remember: ReturnType<typeof setTimeout> | undefined;
    meta.observe(() => {
      clearTimeout(remember);
      // Every key would be a write otherwise.
      remember = setTimeout(() => this.#rememberTitle(), 300);
    });

    const network = () => (this.#online = navigator.onLine);
    addEventListener('online', network);
    addEventListener('offline', network);
    this.#stop.push(() => {
      removeEventListener('online', network);
      removeEventListener('offline', network);
      clearTimeout(remember);
      this.#rememberTitle();
    });

    const present = $effect.root(() => {
      $effect(() => this.awareness.setLocalStateField('user', { ...thisPerson.current }));
    });
    this.#stop.push(present);
  }
}
