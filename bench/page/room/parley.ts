/** Our mesh, with the receipts that the app sends by it. A script of its own: each member runs a copy. */
import { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { secureRandom } from '../../../apps/client/src/lib/session/keys.ts';
import { inventPerson } from '../../../apps/client/src/lib/session/person.ts';
import { HubSocket } from '../../../apps/client/src/lib/sync/hub-socket.ts';
import { Mesh } from '../../../apps/client/src/lib/sync/mesh/mesh.ts';
import { Receipts } from '../../../apps/client/src/lib/sync/receipts/receipts.ts';
import { surroundings } from '../../../apps/client/src/lib/sync/surroundings.ts';
import type { Joining, Member } from './member.ts';

export function join({ room, password, hub: address }: Joining): Member {
  const doc = new Y.Doc();
  const awareness = new Awareness(doc);
  awareness.setLocalState({ user: inventPerson(secureRandom) });
  const hub = new HubSocket({
    connect: () => new WebSocket(address),
    surroundings,
    events: window,
    isOnline: () => navigator.onLine,
  });
  const mesh = new Mesh({
    ...{ doc, awareness, room, password, hub, surroundings },
    ice: () => Promise.resolve({ iceServers: [] }),
    isOfRelay: () => false,
    onReach: () => receipts.reachChanged(),
    onMessage: (peer, message) => receipts.receive(peer, message),
    onBroken: () => {
      throw new Error('an update has broken the document');
    },
  });
  const receipts = new Receipts({
    ...{ doc, awareness, surroundings, role: 'writer' },
    committed: () => Promise.resolve(true),
    isOwn: () => false,
    clients: () => [],
    sendDirect: (peer, message) => mesh.send(peer, message),
    live: { changed: () => undefined },
    onReceipts: () => undefined,
  });
  return {
    doc,
    connected: () => [...awareness.getStates().values()].filter(({ peer }) => mesh.reaches(peer)).length,
    quieten: () => clearInterval(awareness._checkInterval),
    leave() {
      receipts.stop();
      awareness.destroy();
      mesh.destroy();
      hub.close();
    },
  };
}
