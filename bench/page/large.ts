import * as Y from 'yjs';
import { until } from './clock.ts';
import { joinHocuspocus, joinYWebsocket } from './peers.ts';
import { joinInFrame } from './room/frame.ts';
import type { Joining, MeshKind, MeshScripts } from './room/member.ts';

/** Ways into a large session: two meshes and two servers. */
export type LargeWay = MeshKind | 'hocuspocus' | 'y-websocket';

interface LargeSession {
  readonly urls: { readonly hocuspocus: string; readonly yWebsocket: string };
  readonly scripts: MeshScripts;
  /** The room of each mesh, and how to find it. */
  readonly joining: Joining;
  /** The document's name at the servers. */
  readonly name: string;
  /** Length of its text, in characters. */
  readonly length: number;
}

/** Each piece of the text is random, so that nothing can make it smaller on its way. */
const PIECE = 50_000;

/** Stays in a large session by every way. */
export async function holdLarge({ urls, scripts, joining, name, length }: LargeSession): Promise<void> {
  const docs = [new Y.Doc(), new Y.Doc()] as const;
  await joinHocuspocus(urls.hocuspocus, name, docs[0]);
  await joinYWebsocket(urls.yWebsocket, name, docs[1]);
  const rooms = (['parley', 'stock'] as const).map(
    (kind) => joinInFrame(scripts[kind], roomOf(joining, kind)).doc,
  );
  for (let written = 0; written < length; written += PIECE) {
    const bytes = crypto.getRandomValues(new Uint8Array((PIECE * 3) / 4));
    const piece = btoa(String.fromCharCode(...bytes));
    for (const doc of [...docs, ...rooms]) doc.getText('text').insert(0, piece);
  }
}

/** @returns milliseconds until somebody who has nothing has everything; null if they have not after `patience` milliseconds */
export async function joinLarge(
  way: LargeWay,
  session: LargeSession,
  patience: number,
): Promise<number | null> {
  const { doc, since, leave } = begin(way, session);
  const whole = until(
    () => doc.getText('text').length === session.length,
    (look) => doc.on('update', look),
  );
  const took = await Promise.race([
    whole.then(() => performance.now() - since),
    new Promise<null>((resolve) => setTimeout(() => resolve(null), patience)),
  ]);
  leave();
  return took;
}

function begin(way: LargeWay, { urls, scripts, joining, name }: LargeSession) {
  if (way === 'parley' || way === 'stock') return joinInFrame(scripts[way], roomOf(joining, way));
  const [doc, since] = [new Y.Doc(), performance.now()];
  const left =
    way === 'hocuspocus'
      ? joinHocuspocus(urls.hocuspocus, name, doc)
      : joinYWebsocket(urls.yWebsocket, name, doc);
  return { doc, since, leave: () => void left.then((leave) => leave()) };
}

const roomOf = (joining: Joining, kind: MeshKind): Joining => ({
  ...joining,
  room: `${joining.room} ${kind}`,
});
