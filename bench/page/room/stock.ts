/** y-webrtc as npm has it. A script of its own: each member runs a copy. */
import { secureRandom } from '../../../apps/client/src/lib/session/keys.ts';
import { inventPerson } from '../../../apps/client/src/lib/session/person.ts';
import { WebrtcProvider, Y } from '../../../apps/client/e2e/stock.ts';
import type { Joining, Member } from './member.ts';

export function join({ room, password, hub }: Joining): Member {
  const doc = new Y.Doc();
  const provider = new WebrtcProvider(room, doc, {
    ...{ signaling: [hub], password },
    peerOpts: { config: { iceServers: [] } },
  });
  const { awareness } = provider;
  awareness.setLocalState({ user: inventPerson(secureRandom) });
  return {
    doc,
    connected: () =>
      [...(provider.room?.webrtcConns.values() ?? [])].filter(({ connected }) => connected).length,
    quieten: () => clearInterval(awareness._checkInterval),
    leave: () => provider.destroy(),
  };
}
