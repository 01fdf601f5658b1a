import { removeAwarenessStates, type Awareness } from 'y-protocols/awareness';
import type { Surroundings } from '../surroundings.ts';
import type { VirtualClock } from './clock.ts';

/** As y-protocols has it: how often it looks, when it says again that it is there, and lets go who does not, in milliseconds. */
const PRESENCE = { look: 5_000, renew: 15_000, outdated: 30_000 } as const;

/** Does by the clock of a simulation what an awareness does by the real one. @param after the page's timers */
export function keepPresence(awareness: Awareness, clock: VirtualClock, after: Surroundings['after']): void {
  clearInterval(awareness._checkInterval);
  const heardAt = new Map<number, number>();
  let renewed = clock.now;
  awareness.on('update', ({ added, updated }: { added: number[]; updated: number[] }) => {
    for (const client of [...added, ...updated]) heardAt.set(client, clock.now);
  });
  const look = () => {
    const outdated = [...awareness.getStates().keys()].filter(
      (client) =>
        client !== awareness.clientID && clock.now - (heardAt.get(client) ?? clock.now) >= PRESENCE.outdated,
    );
    if (outdated.length > 0) removeAwarenessStates(awareness, outdated, 'timeout');
    if (clock.now - renewed >= PRESENCE.renew) {
      renewed = clock.now;
      const state = awareness.getLocalState();
      if (state) awareness.setLocalState(state);
    }
    after(PRESENCE.look, look);
  };
  after(PRESENCE.look, look);
}
