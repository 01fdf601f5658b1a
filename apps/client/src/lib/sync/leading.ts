import { withAccess } from './access.ts';
import type { Browser, MeshPlace } from './browser.ts';
import { NOT_CONNECTED, type ConnectionFacts } from './connection-facts.ts';
import type { ConnectionsOptions } from './connections.ts';
import { HubSocket } from './hub-socket.ts';
import { MailboxClient } from './mailbox/client.ts';
import { openMailbox, type Mailbox } from './mailbox/open.ts';
import type { MailboxStatus } from './mailbox/ports.ts';
import { TokenSource } from './mailbox/token.ts';
import { IceSource } from './mesh/ice.ts';
import { Receipts } from './receipts/receipts.ts';
import type { LastTrouble } from './status.ts';
import type { TabClient } from './tabs/tabs.ts';

/** How long until loading the code of the mesh is tried again, in milliseconds. */
const TRY_AGAIN_AFTER = 5_000;

/** How long until it is asked again for TURN servers, where nothing else may be used, in milliseconds. */
const ASK_AGAIN_AFTER = 60_000;

/** How long what the relay has may be on its way before this device counts as not hearing it, in milliseconds. */
const HEARS_WITHIN = 10_000;

/** How old what is told of the connections may be when something else is told, in milliseconds. */
const LOOK_EVERY = 2_000;

export interface LeadingOptions extends Omit<ConnectionsOptions, 'accessKey' | 'onFacts'> {
  readonly browser: Browser;
  /** The access key of a private relay, at the moment; null for none. */
  access(): string | null;
  /** What came through the mesh has broken the document before: it is not joined. */
  readonly isMeshShut: boolean;
  /** Whether a transaction with this origin brought what another tab of this device did. */
  isOwn(origin: unknown): boolean;
  /** The tabs to speak for, this one first. */
  clients(): readonly TabClient[];
  onFacts(facts: ConnectionFacts): void;
  /** An update that came through the mesh failed halfway. */
  onMeshBroken(): void;
}

/** The connections of one device for one session: hub, mailbox, mesh and receipts. They begin at once. */
export class Leading {
  readonly #options: LeadingOptions;
  readonly #hub: HubSocket;
  readonly #mailbox: Mailbox;
  readonly #receipts: Receipts;
  readonly #ice: IceSource;
  #mesh: MeshPlace | null = null;
  #relayOnly: boolean;
  #facts: ConnectionFacts;
  #isBroken = false;
  #isClosed = false;
  #lookedAt = 0;
  #cancelRetry: (() => void) | null = null;
  /** Runs while the relay has more than this device has applied, for as long as that is nothing out of the ordinary. */
  #cancelBehind: (() => void) | null = null;
  /** The hub passes on to this device what is published to the mailbox's topic. */
  #isSubscribed = false;
  #isLate = false;

  constructor(options: LeadingOptions) {
    this.#options = options;
    this.#relayOnly = options.relayOnly;
    this.#facts = { ...NOT_CONNECTED, isMeshShut: options.isMeshShut };
    const { sessionId, doc, awareness, keys, view, relay, browser } = options;
    const { surroundings } = browser;
    const access = () => options.access();
    const role = keys ? 'writer' : 'reader';
    const tokens = new TokenSource({
      ...{ sessionId, relay, reader: view.reader },
      writer: keys?.writer ?? null,
      now: () => surroundings.now(),
    });
    this.#hub = new HubSocket({
      surroundings,
      connect: () => browser.connect(withAccess(options.hub, access())),
      events: browser.events,
      isOnline: () => browser.isOnline(),
    });
    this.#hub.attach({
      up: () => this.#note({ hub: 'connected' }),
      down: () => this.#note({ hub: 'unreachable' }),
      message: () => undefined,
    });
    this.#ice = new IceSource({ relay, tokens, access, surroundings, fetch: browser.fetch });
    this.#receipts = new Receipts({
      ...{ doc, awareness, surroundings, role },
      committed: () => options.committed(),
      // What another tab did comes also with a whole document, or from the device.
      isOwn: (origin) => options.isOwn(origin) || browser.isOfDevice(origin),
      clients: () => options.clients(),
      sendDirect: (peer, message) => this.#mesh?.send(peer, message) ?? false,
      live: { changed: () => this.#mailbox.extrasChanged() },
      onReceipts: ({ ids }) => this.#note({ having: ids }),
    });
    this.#mailbox = openMailbox({
      ...{ sessionId, doc, awareness, keys, view, relay, browser },
      ...{ hub: this.#hub, tokens, access },
      readAgain: () => options.readAgain(),
      committed: () => options.committed(),
      isOwn: (origin) => options.isOwn(origin),
      clients: () => options.clients(),
      extras: this.#receipts,
      reachesDirectly: ({ peer }) => this.#mesh?.reaches(peer) ?? false,
      onSubscribed: (isSubscribed) => {
        this.#isSubscribed = isSubscribed;
        this.#note({});
      },
      onStatus: (mailbox) => this.#note({ mailbox, lastTrouble: this.#lastTrouble(mailbox) }),
      onBroken: () => options.onBroken(),
      onPoisoned: () => options.onPoisoned(),
    });
    awareness.on('change', this.#presenceChanged);
    void this.#joinMesh();
  }

  flush(): void {
    this.#mailbox.flush();
  }

  /** Looks anew how the others are reached. */
  look(): void {
    void this.#look();
  }

  reachThroughRelayOnly(relayOnly: boolean): void {
    this.#relayOnly = relayOnly;
    this.#leaveMesh();
    void this.#joinMesh();
  }

  /** The access key is another one, or none: the relay is asked with that at once, whatever it answered before. */
  accessChanged(): void {
    this.#ice.retry();
    this.#hub.reopen();
    this.#mailbox.retry();
    if (!this.#mesh) void this.#joinMesh();
  }

  /** The tabs to speak for have changed. */
  tabsChanged(): void {
    this.#mailbox.clientsChanged();
  }

  /** The document has just been broken by what came through the mailbox, which deals with it: nobody else is given what it has become ([SY16]). */
  leaveMesh(): void {
    this.#isBroken = true;
    this.#receipts.stop();
    this.#leaveMesh();
  }

  /** The document has just been broken: nobody is given what it has become ([SY16]). */
  discard(): void {
    this.leaveMesh();
    void this.#mailbox.close(true);
  }

  /** @param isHandedOver this tab stays, and another one speaks for it: nobody is told that it has gone */
  async close(isHandedOver: boolean): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { awareness } = this.#options;
    this.#cancelRetry?.();
    this.#cancelBehind?.();
    awareness.off('change', this.#presenceChanged);
    const closed = this.#mailbox.close(isHandedOver);
    this.#receipts.stop();
    // To those in the mesh, too.
    if (!isHandedOver) awareness.setLocalState(null);
    const away = this.#mesh?.destroy();
    if (isHandedOver && away) this.#giveBack(away);
    this.#hub.close();
    await closed;
  }

  async #joinMesh(): Promise<void> {
    const { keys, doc, awareness, browser } = this.#options;
    this.#cancelRetry?.();
    // Its name and password come from the edit secret ([LK11]).
    if (!keys || this.#isOver || this.#options.isMeshShut) return;
    let join: Awaited<ReturnType<Browser['loadMesh']>>;
    try {
      join = await browser.loadMesh();
    } catch {
      // The code could not be fetched, for want of a network or of a relay.
      this.#tryAgain(TRY_AGAIN_AFTER);
      return;
    }
    // Where there is no TURN server, others would see this device's address: then there is no mesh.
    if (this.#relayOnly && (await this.#ice.configuration(true)) === null) {
      this.#tryAgain(ASK_AGAIN_AFTER);
      return;
    }
    // It may have ended while the code was loading.
    if (this.#isOver || this.#mesh) return;
    this.#mesh = join({
      ...{ doc, awareness, surroundings: browser.surroundings, hub: this.#hub, ...keys.mesh },
      ice: () => this.#configuration(),
      isOfRelay: (origin) => origin instanceof MailboxClient,
      onReach: () => this.#reachChanged(),
      onMessage: (peer, message) => this.#receipts.receive(peer, message),
      onBroken: () => this.#options.onMeshBroken(),
    });
    this.#reachChanged();
  }

  #tryAgain(milliseconds: number): void {
    this.#cancelRetry?.();
    if (this.#isOver) return;
    this.#cancelRetry = this.#options.browser.surroundings.after(milliseconds, () => void this.#joinMesh());
  }

  async #configuration(): Promise<RTCConfiguration> {
    const configuration = await this.#ice.configuration(this.#relayOnly);
    if (!configuration) throw new Error('no TURN server');
    return configuration;
  }

  #leaveMesh(): void {
    if (!this.#mesh) return;
    const away = this.#mesh.destroy();
    this.#mesh = null;
    if (away) this.#giveBack(away);
    this.#tellPeer();
    if (!this.#isOver) this.#reachChanged();
  }

  get #isOver(): boolean {
    return this.#isClosed || this.#isBroken;
  }

  #reachChanged(): void {
    this.#mailbox.reachChanged();
    this.#receipts.reachChanged();
    void this.#look();
  }

  /** How the others are reached takes a moment to find out. */
  async #look(): Promise<void> {
    this.#lookedAt = this.#now;
    const connections = (await this.#mesh?.connections()) ?? [];
    this.#note({ connections });
  }

  /** The mesh has taken this person's presence away while it could reach nobody, and gives it back no more. */
  #giveBack(away: Record<string, unknown>): void {
    const { awareness } = this.#options;
    if (!awareness.getLocalState()) awareness.setLocalState({ ...away, peer: null });
  }

  readonly #presenceChanged = (): void => {
    this.#tellPeer();
    if (this.#peer !== this.#facts.peer) this.#note({});
  };

  /** Whoever is present again after a while is so under the name that the mesh has by now. */
  #tellPeer(): void {
    const { awareness } = this.#options;
    const state = awareness.getLocalState();
    if (state && (state['peer'] ?? null) !== this.#peer) awareness.setLocalStateField('peer', this.#peer);
  }

  /** By which name the mesh knows this device. */
  get #peer(): string | null {
    return this.#mesh?.name ?? null;
  }

  #lastTrouble(status: MailboxStatus): LastTrouble | null {
    const code = troubleIn(status);
    const { lastTrouble } = this.#facts;
    if (code === null || code === 'relay/quarantined') return lastTrouble;
    const isKnown = code === troubleIn(this.#facts.mailbox);
    return isKnown && lastTrouble ? lastTrouble : { code, at: this.#now };
  }

  #note(change: Partial<ConnectionFacts>): void {
    if (this.#isClosed) return;
    this.#facts = { ...this.#facts, ...change, peer: this.#peer };
    const { mailbox } = this.#facts;
    this.#watchBehind(mailbox.state === 'behind');
    const isHeard = mailbox.state === 'current' || (mailbox.state === 'behind' && !this.#isLate);
    this.#mesh?.relayReached(this.#isSubscribed && isHeard);
    this.#options.onFacts(this.#facts);
    // How much went over the connections is told along, now and then.
    if (this.#mesh && this.#now - this.#lookedAt > LOOK_EVERY) void this.#look();
  }

  /** Who is given something by the relay and never gets to it has to get it from others. */
  #watchBehind(isBehind: boolean): void {
    if (!isBehind) {
      this.#cancelBehind?.();
      [this.#cancelBehind, this.#isLate] = [null, false];
      return;
    }
    this.#cancelBehind ??= this.#options.browser.surroundings.after(HEARS_WITHIN, () => {
      this.#isLate = true;
      this.#note({});
    });
  }

  /** Milliseconds since 1970. */
  get #now(): number {
    return this.#options.browser.surroundings.now();
  }
}

/** Why the relay is of no use, or of little; null for nothing of the kind. */
function troubleIn({ state, trouble }: MailboxStatus): LastTrouble['code'] | null {
  return state === 'unreachable' && trouble !== 'relay/private' ? 'relay/unreachable' : trouble;
}
