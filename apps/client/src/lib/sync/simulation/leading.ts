import { encodeBase64url } from '@parley/signaling/base64url';
import { NOT_CONNECTED, type ConnectionFacts } from '../connection-facts.ts';
import { MailboxClient } from '../mailbox/client.ts';
import type { MailboxStorage } from '../mailbox/ports.ts';
import type { StoredMailbox } from '../mailbox/stored.ts';
import { Receipts } from '../receipts/receipts.ts';
import { TabChange } from '../tabs/change.ts';
import { SimulatedStore } from './device.ts';
import { MeshNode } from './mesh.ts';
import { SimulatedLine } from './network.ts';
import { callerOf } from './relay.ts';
import type { SimulatedTab } from './tab.ts';

/** Snapshots are made early, so that a short log has some. */
const COMPACTION = { envelopes: 8, bytes: 2_500 };

/** As `device.ts` has it. */
const isOfDevice = (origin: unknown) => origin instanceof SimulatedStore || origin instanceof TabChange;

/** What a tab that leads holds, wired as `Leading` and `openMailbox` do it in a browser. */
export class SimulatedLeading {
  readonly tab: SimulatedTab;
  readonly line: SimulatedLine;
  readonly client: MailboxClient;
  readonly receipts: Receipts;
  /** The relay was found out. */
  hasLied = false;
  mesh: MeshNode | null = null;
  #facts: ConnectionFacts = NOT_CONNECTED;
  #isBroken = false;
  #isClosed = false;

  constructor(tab: SimulatedTab) {
    this.tab = tab;
    const { person, doc, awareness, surroundings } = tab;
    const { world, role, device } = person;
    const { sessionId, writer, view } = world.keys;
    const signing = role === 'writer' ? writer : view.reader;
    const caller = callerOf(sessionId, role, signing.publicKey, view.reader.publicKey);
    this.line = new SimulatedLine(world.network, person, tab, caller, world.relayFor(person));
    world.network.lines.add(this.line);
    world.leaders += 1;
    this.receipts = new Receipts({
      ...{ doc, awareness, surroundings, role },
      committed: () => tab.store.committed(),
      isOwn: (origin) => isOfDevice(origin),
      clients: () => tab.tabs.clients,
      sendDirect: (peer, message) => this.mesh?.send(peer, message) ?? false,
      live: { changed: () => this.client.extrasChanged() },
      onReceipts: ({ ids }) => this.#note({ having: ids }),
    });
    const opened = this.#openStorage();
    this.client = new MailboxClient({
      ...{ sessionId, doc, awareness, surroundings },
      keys: {
        contentKey: view.contentKey,
        writer: role === 'writer' ? writer : null,
        reader: view.reader,
      },
      transport: this.line.transport,
      openChannel: (listener) =>
        this.line.openChannel({
          up: () => {
            this.#note({ hub: 'connected' });
            listener.up();
          },
          down: () => {
            this.#note({ hub: 'unreachable' });
            listener.down();
          },
          frame: (frame) => listener.frame(frame),
        }),
      storage: {
        read: async () => (await opened).read(),
        write: async (parts) => (await opened).write(parts),
      },
      committed: () => tab.store.committed(),
      isOfDevice,
      isOwn: (origin) => tab.tabs.isOfTab(origin) || origin instanceof SimulatedStore,
      clients: () => tab.tabs.clients,
      extras: this.receipts,
      reachesDirectly: ({ peer }) => this.mesh?.reaches(peer) ?? false,
      onStatus: (mailbox) => {
        if (mailbox.trouble === 'relay/forked' || mailbox.trouble === 'relay/rolled-back')
          this.hasLied = true;
        this.#note({ mailbox });
      },
      onBroken: () => tab.breakByMailbox(),
      onPoisoned: () => tab.openAnew(),
      compaction: COMPACTION,
    });
    world.trace(`${tab.name} leads`);
    awareness.on('change', this.#presenceChanged);
    void this.client.start();
    if (role === 'writer') surroundings.after(device.random.between(0, 50), () => this.#joinMesh());
  }

  get status() {
    return this.#facts.mailbox;
  }

  get isOver(): boolean {
    return this.#isClosed || this.#isBroken;
  }

  /** As a page that is being hidden, and goes away. */
  leave(): void {
    this.client.flush();
    this.client.leave();
  }

  tabsChanged(): void {
    this.client.clientsChanged();
  }

  leaveMesh(): void {
    this.#isBroken = true;
    this.receipts.stop();
    this.mesh?.destroy();
    this.mesh = null;
  }

  async close(isHandedOver: boolean): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { awareness, person } = this.tab;
    awareness.off('change', this.#presenceChanged);
    const closed = this.client.stop(isHandedOver);
    this.line.transport.giveUp();
    this.receipts.stop();
    if (!isHandedOver) awareness.setLocalState(null);
    this.end();
    person.world.trace(`${this.tab.name} has let go`);
    await closed;
  }

  /** Its connections are gone, at once. */
  end(): void {
    this.mesh?.destroy();
    this.mesh = null;
    this.line.die();
    this.tab.person.world.network.lines.delete(this.line);
  }

  #joinMesh(): void {
    if (this.isOver || this.mesh) return;
    const { person, doc, awareness, surroundings } = this.tab;
    const { world } = person;
    this.mesh = world.mesh.join({
      name: encodeBase64url(surroundings.randomBytes(9)),
      holder: person,
      page: this.tab,
      ...{ doc, awareness, surroundings },
      isOfRelay: (origin) => origin === this.client,
      onReach: () => this.#reachChanged(),
      onMessage: (peer, message) => this.receipts.receive(peer, message),
      onBroken: () => world.breakPromise(`${this.tab.name} was given what cannot be applied by the mesh`),
    });
    this.#reachChanged();
  }

  #openStorage(): Promise<MailboxStorage<StoredMailbox>> {
    const { surroundings, person } = this.tab;
    return new Promise((resolve) => {
      surroundings.after(person.device.random.between(1, 20), () => {
        const storage = person.device.takeOver(this.tab);
        // The position may be ahead of what this tab has read ([TB10]).
        void this.tab.readAgain().then(() => resolve(storage));
      });
    });
  }

  #reachChanged(): void {
    this.client.reachChanged();
    this.receipts.reachChanged();
  }

  readonly #presenceChanged = (): void => {
    const { peer } = this;
    if (peer !== this.#facts.peer) this.#note({});
  };

  get peer(): string | null {
    const peer: unknown = this.tab.awareness.getLocalState()?.['peer'];
    return typeof peer === 'string' ? peer : null;
  }

  #note(change: Partial<ConnectionFacts>): void {
    if (this.#isClosed) return;
    this.#facts = { ...this.#facts, ...change, peer: this.peer };
    const { hub, mailbox } = this.#facts;
    const isHeard = mailbox.state === 'current' || mailbox.state === 'behind';
    this.mesh?.relayReached(hub === 'connected' && isHeard);
    this.tab.tell(this.#facts);
  }
}
