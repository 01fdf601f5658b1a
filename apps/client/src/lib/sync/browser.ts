import { isOfDevice, isReadAgain } from './device.ts';
import type { HubConnection } from './hub-socket.ts';
import type { CompactionThreshold } from './mailbox/engine.ts';
import type { MailboxTransport } from './mailbox/ports.ts';
import { openMailboxStorage, type ClosableStorage, type StorageKind } from './mailbox/storage.ts';
import type { StoredMailbox } from './mailbox/stored.ts';
import { HttpTransport, type TransportOptions } from './mailbox/transport.ts';
import type { Mesh, MeshOptions } from './mesh/mesh.ts';
import { surroundings, type Surroundings } from './surroundings.ts';
import { browserPorts, type TabPorts } from './tabs/ports.ts';

/** A place in a session's mesh. */
export type MeshPlace = Pick<Mesh, 'name' | 'reaches' | 'send' | 'relayReached' | 'connections' | 'destroy'>;

/** Ways by which a document can be broken again as soon as it is opened anew. */
export type Way = 'mesh' | 'tabs';

/** What a session's connections take from the page that they are in and from the network, so that a simulation can bring its own. */
export interface Browser {
  readonly surroundings: Surroundings;
  /** Where `online`, `offline`, `pagehide`, `pageshow` and `visibilitychange` are told: the window. */
  readonly events: EventTarget;
  /** Whether the device says that it has a network. */
  isOnline(): boolean;
  isHidden(): boolean;
  /** What tabs find each other by; null where every tab is alone. */
  tabPorts(): TabPorts | null;
  /** Opens a WebSocket to the hub. */
  connect(address: string): HubConnection;
  readonly fetch: typeof globalThis.fetch;
  openTransport(options: TransportOptions): MailboxTransport;
  /** Takes over what the device keeps of a session's mailbox. */
  openStorage(sessionId: string, kind: StorageKind): Promise<ClosableStorage<StoredMailbox>>;
  /** Loads the code of the mesh, and gives what joins it. Rejects where the code cannot be fetched. */
  loadMesh(): Promise<(options: MeshOptions) => MeshPlace>;
  /** As `device.ts` has them. */
  isOfDevice(origin: unknown): boolean;
  isReadAgain(origin: unknown): boolean;
  /** Those that have broken a session's document in this page: they stay shut until it is loaded anew. */
  readonly shut: Map<string, ReadonlySet<Way>>;
  /** When a snapshot is due ([SY13]), if not as usual. */
  readonly compaction?: CompactionThreshold;
}

/** This browser, in this page. */
export const thisBrowser: Browser = {
  surroundings,
  get events() {
    return window;
  },
  isOnline: () => navigator.onLine,
  isHidden: () => document.visibilityState === 'hidden',
  tabPorts: browserPorts,
  connect: (address) => new WebSocket(address),
  fetch: (...request) => fetch(...request),
  openTransport: (options) => new HttpTransport(options),
  openStorage: openMailboxStorage,
  async loadMesh() {
    const { Mesh } = await import('./mesh/mesh.ts');
    return (options) => new Mesh(options);
  },
  isOfDevice,
  isReadAgain,
  shut: new Map(),
};
