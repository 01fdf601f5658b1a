import type { Awareness } from 'y-protocols/awareness';
import type * as Y from 'yjs';
import type { EditKeys, ViewKeys } from '../session/keys.ts';
import { BROUGHT_OVER } from '../session/document.ts';
import { thisBrowser, type Browser, type Way } from './browser.ts';
import { NOT_CONNECTED, type ConnectionFacts } from './connection-facts.ts';
import { Leading } from './leading.ts';
import { Tabs } from './tabs/tabs.ts';

export interface ConnectionsOptions {
  readonly sessionId: string;
  readonly doc: Y.Doc;
  readonly awareness: Awareness;
  /** Null for who has the view link only. */
  readonly keys: EditKeys | null;
  readonly view: ViewKeys;
  /** The relay's origin, and the hub's WebSocket address. */
  readonly relay: string;
  readonly hub: string;
  /** Others are reached through the relay only. */
  readonly relayOnly: boolean;
  /** The access key of a private relay, if this device has one. */
  readonly accessKey: string | null;
  /** Resolves once nothing is on its way to the device: whether all that the document holds is committed there. */
  committed(): Promise<boolean>;
  /** Reads what other tabs have committed to the device. */
  readAgain(): Promise<void>;
  /** @param isFollowing another tab of this device holds the connections */
  onFacts(facts: ConnectionFacts, isFollowing: boolean): void;
  /** What the document has just emitted comes of an update that failed halfway, and must not be kept. */
  onBroken(): void;
  /** The document has to be opened anew from the device. */
  onPoisoned(): void;
}

/** What a leader tells: to be counted up whenever {@link ConnectionFacts} changes, because tabs of two versions may be open. */
const TELLS = 'facts 1';

/** A session's connections, as one tab sees them: it holds them itself, or follows the tab that does ([TB1]). */
export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #browser: Browser;
  readonly #tabs: Tabs;
  #leading: Leading | null = null;
  #facts = NOT_CONNECTED;
  #relayOnly: boolean;
  #accessKey: string | null;
  #isBroken = false;
  #isClosed = false;

  constructor(options: ConnectionsOptions, browser = thisBrowser) {
    this.#options = options;
    this.#browser = browser;
    this.#relayOnly = options.relayOnly;
    this.#accessKey = options.accessKey;
    const { sessionId, doc, awareness } = options;
    this.#tabs = new Tabs({
      ...{ sessionId, doc, awareness, tells: TELLS },
      surroundings: browser.surroundings,
      ports: this.#isShut('tabs') ? null : browser.tabPorts(),
      kind: options.keys ? 'edit' : 'view',
      committed: () => options.committed(),
      readAgain: () => options.readAgain(),
      lead: () => this.#lead(),
      follow: () => this.#letGo(),
      onTold: (told) => this.#hear(told as ConnectionFacts | null),
      onTabs: () => this.#leading?.tabsChanged(),
      onBroken: () => this.#shut('tabs'),
    });
  }

  /** What waits is sent at once: the page may be going away. */
  flush(): void {
    this.#leading?.flush();
  }

  /** Looks anew how the others are reached. Of what another tab holds, it tells by itself. */
  look(): void {
    this.#leading?.look();
  }

  /** From now on others are reached through the relay only, or directly as well. */
  reachThroughRelayOnly(relayOnly: boolean): void {
    if (relayOnly === this.#relayOnly) return;
    this.#relayOnly = relayOnly;
    this.#leading?.reachThroughRelayOnly(relayOnly);
  }

  /** From now on the relay is asked with this access key, and at once; null for none. */
  useAccessKey(key: string | null): void {
    if (key === this.#accessKey) return;
    this.#accessKey = key;
    this.#leading?.accessChanged();
  }

  /** The document has just been broken by what the device had: nobody is given what it has become. */
  discard(): void {
    if (this.#isBroken) return;
    this.#giveNothing();
    this.#endBroken();
  }

  /** Ends them; another tab goes on with them, if there is one. Resolves when they may be opened anew. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#end(false);
  }

  #lead(): void {
    if (this.#isClosed || this.#isBroken || this.#leading) return;
    const options = this.#options;
    this.#leading = new Leading({
      ...options,
      browser: this.#browser,
      relayOnly: this.#relayOnly,
      access: () => this.#accessKey,
      isOwn: (origin) =>
        this.#tabs.isOfTab(origin) || this.#browser.isReadAgain(origin) || origin === BROUGHT_OVER,
      isMeshShut: this.#isShut('mesh'),
      clients: () => this.#tabs.clients,
      onFacts: (facts) => this.#tell(facts),
      onBroken: () => this.#breakByMailbox(),
      onMeshBroken: () => this.#shut('mesh'),
      onPoisoned: () => {
        this.#endBroken();
        options.onPoisoned();
      },
    });
  }

  async #letGo(): Promise<void> {
    const leading = this.#leading;
    this.#leading = null;
    await leading?.close(true);
  }

  #tell(facts: ConnectionFacts): void {
    this.#facts = this.#isBroken ? asBroken(facts) : facts;
    if (!this.#isBroken) this.#tabs.tell(facts);
    this.#show(false);
  }

  /** What the leader tells is true of this tab's document, or nothing is known to be. */
  #hear(told: ConnectionFacts | null): void {
    if (this.#isBroken) return;
    if (told) this.#facts = told;
    else this.#facts = withoutClaims(this.#facts, this.#options.keys === null);
    this.#show(true);
  }

  #show(isFollowing: boolean): void {
    if (this.#isClosed) return;
    const { peer } = this.#facts;
    const { awareness } = this.#options;
    const state = awareness.getLocalState();
    // Whoever meets a follower in the mesh meets it by the connections of the leader.
    if (isFollowing && state && (state['peer'] ?? null) !== peer) awareness.setLocalStateField('peer', peer);
    this.#options.onFacts(this.#facts, isFollowing);
  }

  /** Nobody is given what the document has become. */
  #giveNothing(): void {
    this.#isBroken = true;
    this.#tabs.discard();
    this.#leading?.discard();
  }

  /** The mailbox deals with what came through it, and says what is to be done. */
  #breakByMailbox(): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    this.#tabs.discard();
    this.#leading?.leaveMesh();
    this.#options.onBroken();
  }

  /** What came this way failed halfway, and would again. The log leaves out what fails ([SY16]); this way does not. */
  #shut(way: Way): void {
    if (this.#isBroken) return;
    const { sessionId } = this.#options;
    const { shut } = this.#browser;
    shut.set(sessionId, new Set([...(shut.get(sessionId) ?? []), way]));
    this.#giveNothing();
    this.#options.onBroken();
    this.#endBroken();
    this.#options.onPoisoned();
  }

  #isShut(way: Way): boolean {
    return this.#browser.shut.get(this.#options.sessionId)?.has(way) ?? false;
  }

  /** Until the document is opened anew, another tab may go on, and nobody is said to have what this one has become. */
  #endBroken(): void {
    this.#facts = asBroken(this.#facts);
    this.#show(false);
    void this.#end(true);
  }

  async #end(isHandedOver: boolean): Promise<void> {
    const leading = this.#leading;
    this.#leading = null;
    // What ends now is no news for the other tabs.
    this.#tabs.leave();
    try {
      await leading?.close(isHandedOver);
    } finally {
      // Only then another tab begins.
      this.#tabs.close();
    }
  }
}

/** What was known, without saying that anybody has what this tab has written since. */
function withoutClaims(facts: ConnectionFacts, viewing: boolean): ConnectionFacts {
  const { mailbox } = facts;
  const state = viewing && mailbox.state === 'current' ? 'starting' : mailbox.state;
  return { ...facts, having: [], mailbox: { ...mailbox, state, onRelay: false } };
}

/** What was known, of a document that is not what the device has: nobody is said to have it, and nothing more comes or goes. */
function asBroken(facts: ConnectionFacts): ConnectionFacts {
  const trouble = facts.mailbox.trouble ?? 'relay/quarantined';
  return {
    ...withoutClaims(facts, false),
    mailbox: { ...facts.mailbox, state: 'starting', onRelay: false, trouble },
  };
}
