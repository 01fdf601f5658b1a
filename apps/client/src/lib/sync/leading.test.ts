import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { deriveEditKeys } from '../session/keys.ts';
import { thisBrowser } from './browser.ts';
import type { ConnectionFacts } from './connection-facts.ts';
import type { HubSocketOptions } from './hub-socket.ts';
import { Leading } from './leading.ts';
import type { MailboxOptions } from './mailbox/open.ts';
import { NOT_ASKED, type MailboxStatus } from './mailbox/ports.ts';
import type { MeshOptions } from './mesh/mesh.ts';

/** What was made, and what was done with it in which order. */
const parts = vi.hoisted(() => ({
  meshes: [] as { options: MeshOptions }[],
  mailboxes: [] as { options: MailboxOptions }[],
  said: [] as unknown[][],
  hasTurn: false,
  /** The presence that the mesh has taken away. */
  away: null as Record<string, unknown> | null,
}));

vi.mock('./hub-socket.ts', () => ({
  HubSocket: class {
    constructor(options: HubSocketOptions) {
      parts.said.push(['hub', options]);
    }
    reopen = () => void parts.said.push(['hub reopen']);
    attach = (user: object) => void parts.said.push(['attach', user]);
    close = () => void parts.said.push(['hub close']);
  },
}));
vi.mock('./mailbox/open.ts', async (original) => ({
  ...(await original()),
  openMailbox: (options: MailboxOptions) => {
    parts.mailboxes.push({ options });
    return {
      ...{ flush: () => undefined, extrasChanged: () => undefined, clientsChanged: () => undefined },
      retry: () => parts.said.push(['mailbox retry']),
      reachChanged: () => parts.said.push(['reach changed']),
      close: (isHandedOver: boolean) => {
        parts.said.push(['mailbox close', isHandedOver]);
        return Promise.resolve();
      },
    };
  },
}));
vi.mock('./mesh/ice.ts', () => ({
  IceSource: class {
    retry = () => void parts.said.push(['ice retry']);
    configuration = (relayOnly: boolean) =>
      Promise.resolve(relayOnly && !parts.hasTurn ? null : { relayOnly });
  },
}));
vi.mock('./mesh/mesh.ts', () => ({
  Mesh: class {
    readonly options: MeshOptions;
    constructor(options: MeshOptions) {
      this.options = options;
      parts.meshes.push(this);
    }
    connections = () => Promise.resolve([]);
    reaches = () => true;
    send = () => true;
    relayReached = (isReached: boolean) => void parts.said.push(['relay reached', isReached]);
    name = 'a name';
    destroy = () => {
      parts.said.push(['mesh destroy', this.options.awareness.getLocalState()]);
      return parts.away;
    };
  },
}));

const { meshes, mailboxes, said } = parts;
let leading: Leading | null;
let awareness: Awareness;

beforeEach(() => {
  for (const list of [meshes, mailboxes, said]) list.length = 0;
  [parts.hasTurn, parts.away] = [false, null];
  vi.stubGlobal('window', new EventTarget());
});

afterEach(async () => {
  await leading?.close(true);
  awareness.destroy();
  vi.unstubAllGlobals();
});

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function lead({
  relayOnly = false,
  isMeshShut = false,
  canEdit = true,
  access = (): string | null => null,
} = {}) {
  const keys = await deriveEditKeys(new Uint8Array(32).fill(7));
  const doc = new Y.Doc();
  awareness = new Awareness(doc);
  const told: ConnectionFacts[] = [];
  const onMeshBroken = vi.fn();
  leading = new Leading({
    ...{ sessionId: keys.sessionId, doc, awareness, view: keys.view, relayOnly, isMeshShut, onMeshBroken },
    browser: {
      ...thisBrowser,
      events: window,
      connect: (address) => parts.said.push(['connect', address]) as never,
    },
    access,
    keys: canEdit ? keys : null,
    ...{ relay: 'https://relay.invalid', hub: 'wss://relay.invalid' },
    committed: () => Promise.resolve(true),
    readAgain: () => Promise.resolve(),
    isOwn: () => false,
    clients: () => [],
    onFacts: (facts) => told.push(facts),
    onBroken: () => undefined,
    onPoisoned: () => undefined,
  });
  // The mesh's code is loaded late.
  await vi.dynamicImportSettled();
  await turn();
  const [user] = said.filter(([what]) => what === 'attach').map(([, attached]) => attached);
  const [mailbox] = mailboxes;
  if (!mailbox) throw new Error('no mailbox');
  const report = (status: Partial<MailboxStatus>) => mailbox.options.onStatus({ ...NOT_ASKED, ...status });
  const subscribed = (isSubscribed: boolean) => mailbox.options.onSubscribed(isSubscribed);
  return { leading, told, onMeshBroken, mailbox, report, subscribed, hub: user as { up(): void } };
}

describe('what the leading tab holds', () => {
  it('[SY25] opens the WebSocket with the access key that this device has at that moment, and asks no differently without one', async () => {
    let key: string | null = null;
    await lead({ access: () => key });
    const [hub] = said.filter(([what]) => what === 'hub').map(([, options]) => options as HubSocketOptions);
    hub?.connect();
    key = 'a-key-of-some-people';
    hub?.connect();
    expect(said.filter(([what]) => what === 'connect').map(([, address]) => address)).toEqual([
      'wss://relay.invalid',
      'wss://relay.invalid?access=a-key-of-some-people',
    ]);
    expect(mailboxes[0]?.options.access()).toBe(key);
  });

  it('[SY26] [SY27] asks everybody anew when the access key is another one, or none', async () => {
    parts.hasTurn = false;
    const { leading } = await lead({ relayOnly: true });
    expect(meshes).toHaveLength(0);
    parts.hasTurn = true;
    leading.accessChanged();
    expect(said.map(([what]) => what)).toEqual(
      expect.arrayContaining(['ice retry', 'hub reopen', 'mailbox retry']),
    );
    await vi.waitFor(() => expect(meshes).toHaveLength(1));
  });

  it('[SY26] tells of a private relay as what it is, also when that is over', async () => {
    const { report, told } = await lead();
    report({ state: 'unreachable', trouble: 'relay/private', unreachableSince: 1 });
    expect(told.at(-1)?.lastTrouble?.code).toBe('relay/private');
    report({ state: 'current' });
    expect(told.at(-1)?.lastTrouble?.code).toBe('relay/private');
  });

  it('[LK11] is no mesh for who has the view link', async () => {
    await lead({ canEdit: false });
    expect([mailboxes.length, meshes.length]).toEqual([1, 0]);
  });

  it('[IC9] is no mesh where this device’s address is to be hidden and there is no TURN server, until there is one', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await lead({ relayOnly: true });
    expect(meshes).toEqual([]);
    parts.hasTurn = true;
    await vi.advanceTimersByTimeAsync(60_000);
    vi.useRealTimers();
    await turn();
    expect(meshes).toHaveLength(1);
    expect(await meshes[0]?.options.ice()).toEqual({ relayOnly: true });
    parts.hasTurn = false;
    await expect(meshes[0]?.options.ice()).rejects.toThrow('no TURN server');
  });

  it('[IC9] is left at once when this device’s address is to be hidden, and others are told of no way to it', async () => {
    const { leading } = await lead();
    awareness.setLocalState({ peer: 'a name' });
    leading.reachThroughRelayOnly(true);
    await turn();
    expect(said).toContainEqual(['mesh destroy', { peer: 'a name' }]);
    expect(awareness.getLocalState()).toEqual({ peer: null });
    expect(meshes).toHaveLength(1);
    leading.reachThroughRelayOnly(false);
    await turn();
    expect(meshes).toHaveLength(2);
  });

  it('[SY16] is no mesh once what came that way has broken the document', async () => {
    const { onMeshBroken } = await lead();
    meshes[0]?.options.onBroken();
    expect(onMeshBroken).toHaveBeenCalledOnce();
    await leading?.close(true);
    meshes.length = 0;
    await lead({ isMeshShut: true });
    expect(meshes).toEqual([]);
  });

  it('[ME11] tells the mesh whether the relay is heard', async () => {
    const { report, subscribed } = await lead();
    const heard = () => said.filter(([what]) => what === 'relay reached').at(-1)?.[1];
    report({ state: 'current' });
    expect(heard()).toBe(false);
    subscribed(true);
    expect(heard()).toBe(true);
    report({ state: 'unreachable' });
    expect(heard()).toBe(false);
    report({ state: 'behind' });
    expect(heard()).toBe(true);
    subscribed(false);
    expect(heard()).toBe(false);
  });

  it('[ME11] does not count on a hub that has not admitted it to the mailbox’s topic', async () => {
    const { hub, report, subscribed } = await lead();
    report({ state: 'current' });
    subscribed(true);
    subscribed(false);
    // The connection is there again, and until the hub has admitted it, what is published is lost.
    hub.up();
    const heard = () => said.filter(([what]) => what === 'relay reached').at(-1)?.[1];
    expect(heard()).toBe(false);
    subscribed(true);
    expect(heard()).toBe(true);
  });

  it('[ME11] does not count on a relay that has more for it and does not give it', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { report, subscribed } = await lead();
    const heard = () => said.filter(([what]) => what === 'relay reached').at(-1)?.[1];
    subscribed(true);
    report({ state: 'behind' });
    await vi.advanceTimersByTimeAsync(9_999);
    report({ state: 'behind', incomplete: true });
    expect(heard()).toBe(true);
    await vi.advanceTimersByTimeAsync(1);
    expect(heard()).toBe(false);
    report({ state: 'current' });
    expect(heard()).toBe(true);
    report({ state: 'behind' });
    expect(heard()).toBe(true);
    vi.useRealTimers();
  });

  it('[ME8] says goodbye in the mesh as well, unless another tab goes on for this one', async () => {
    for (const [isHandedOver, state] of [
      [false, null],
      [true, { user: 'ada', peer: 'a name' }],
    ] as const) {
      const { leading } = await lead();
      awareness.setLocalState({ user: 'ada' });
      await leading.close(isHandedOver);
      expect(said.slice(-3)).toEqual([
        ['mailbox close', isHandedOver],
        ['mesh destroy', state],
        ['hub close'],
      ]);
    }
  });

  it('[ME10] gives back the presence that the mesh has taken away while there was no network', async () => {
    for (const leave of [
      async (leading: Leading) => leading.close(true),
      async (leading: Leading) => leading.reachThroughRelayOnly(true),
    ]) {
      const { leading } = await lead();
      parts.away = { user: 'ada', peer: 'an old name' };
      awareness.setLocalState(null);
      await leave(leading);
      expect(awareness.getLocalState()).toEqual({ user: 'ada', peer: null });
    }
  });

  it('[ME10] whoever is present again is so under the name that the mesh has', async () => {
    await lead();
    awareness.setLocalState(null);
    awareness.setLocalState({ user: 'ada', peer: 'an old name' });
    expect(awareness.getLocalState()).toEqual({ user: 'ada', peer: 'a name' });
  });

  it('remembers what went wrong last, and when it began', async () => {
    vi.spyOn(Date, 'now').mockReturnValue(1);
    const { report, told } = await lead();
    report({ state: 'unreachable', unreachableSince: 1 });
    vi.spyOn(Date, 'now').mockReturnValue(2);
    report({ state: 'unreachable', unreachableSince: 1 });
    report({ state: 'current' });
    report({ state: 'current', trouble: 'relay/quarantined' });
    expect(told.at(-1)?.lastTrouble).toEqual({ code: 'relay/unreachable', at: 1 });
    report({ state: 'current', trouble: 'relay/budget-spent' });
    expect(told.at(-1)?.lastTrouble).toEqual({ code: 'relay/budget-spent', at: 2 });
    vi.restoreAllMocks();
  });
});
