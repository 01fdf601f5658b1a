import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { startSignaling, type Peer } from './peers/start.ts';
import type { MeshScripts } from './page/room/member.ts';
import type { Pages } from './pages.ts';
import { RUNS } from './signaling/compare.ts';
import { measureIdle } from './signaling/idle.ts';
import { measureObject } from './signaling/object.ts';
import { KINDS, type Kind } from './signaling/servers.ts';
import { measureStorm } from './signaling/storm.ts';
import { measureSurvival } from './signaling/survival.ts';
import { measureThroughput } from './signaling/throughput.ts';

/** Signaling servers side by side, each and the load in processes of their own: tables. */
export async function measureSignaling(pages: Pages & { readonly scripts: MeshScripts }): Promise<string> {
  const signaling = fileURLToPath(new URL('../apps/signaling/', import.meta.url));
  execFileSync(process.execPath, ['build.ts'], { cwd: signaling, stdio: 'ignore' });
  const servers = new Map<Kind, Peer & { readonly port: number }>();
  for (const [index, kind] of KINDS.entries()) {
    const port = 8941 + index;
    servers.set(kind, { ...(await startSignaling(kind, port)), port });
  }
  const urlOf = (kind: Kind) => servers.get(kind)?.url ?? '';
  try {
    return [
      `Medians of ${RUNS} runs, each server in turn; the load is raw sockets in a process of its own. In a round, everybody publishes 300 bytes ` +
        'and has received what all in the room did. Ratios are of the time, the memory or the processor that something takes.',
      '50 rooms of 4:',
      ...(await measureThroughput(servers, { rooms: 50, members: 4, rounds: 450 }, 1 / 1.4)),
      'One room of 50:',
      ...(await measureThroughput(servers, { rooms: 1, members: 50, rounds: 150 }, 1 / 2)),
      ...(await measureIdle(8951)),
      ...(await measureStorm({ ...pages, hubs: { parley: urlOf('parley'), stock: urlOf('y-webrtc') } })),
      ...(await measureObject()),
      ...(await measureSurvival(servers)),
    ].join('\n\n');
  } finally {
    for (const server of servers.values()) server.stop();
  }
}
