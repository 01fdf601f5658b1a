import * as Y from 'yjs';
import { takeKeyApart, takeOpeningApart, type KeyPart, type OpeningPart } from './apart.ts';
import { pause, timed } from './clock.ts';
import { fillDevice, measureRecords, openDevice } from './device.ts';
import { fillMailbox, hubOf, joinMailbox, newKeys, openFromMailbox } from './parley.ts';
import { fillYIndexeddb, joinHocuspocus, joinYWebsocket, openYIndexeddb, sealSecsync } from './peers.ts';
import { joinInFrame } from './room/frame.ts';
import type { MeshKind, MeshScripts } from './room/member.ts';

export { answerChannel, offerChannel, receivedByChannel, sendThroughChannel } from './channel.ts';
export { holdLarge, joinLarge } from './large.ts';
export { joinLast, joinRoom, pressKeys, quietenRoom, standings } from './room/room.ts';

type Way = 'floor' | 'device' | 'y-indexeddb' | 'mailbox' | 'mailbox-full' | 'hocuspocus' | 'secsync';

export interface OpenFigures {
  /** Milliseconds of each round. */
  readonly times: Record<Way, number[]>;
  readonly bytes: Record<Exclude<Way, 'floor'>, number>;
  /** What the two openings from the mailbox are made of, each round apart. */
  readonly parts: Record<'mailbox' | 'mailbox-full', Record<OpeningPart, number>[]>;
}

/** A document to open, in base64. `keystrokes` and `groups`: the same, with another tail apart from its base. */
export interface ToOpen {
  readonly merged: string;
  /** Length of its text. */
  readonly length: number;
  readonly keystrokes: { readonly base: string; readonly tail: readonly string[] };
  readonly groups: { readonly base: string; readonly tail: readonly string[] };
  /** How many of the groups the last keystrokes are. */
  readonly lastGroups: { readonly base: string; readonly tail: readonly string[] };
}

/** Opens one written document in every way, by turns, so that whatever disturbs the machine disturbs them all. */
export async function measureOpening(
  written: ToOpen,
  hocuspocusUrl: string,
  rounds: number,
): Promise<OpenFigures> {
  const merged = bytesOf(written.merged);
  const records = [written.keystrokes.base, ...written.keystrokes.tail].map(bytesOf);
  const isWhole = (doc: Y.Doc) => doc.getText('text').length === written.length;

  const [keys, fullKeys] = [await newKeys(), await newKeys()];
  const name = keys.sessionId;
  await fillDevice(name, records);
  await fillYIndexeddb(`y-${name}`, records);
  const fill = (to: typeof keys, { base, tail }: ToOpen['groups']) =>
    fillMailbox(to, bytesOf(base), tail.map(bytesOf));
  const mailboxBytes = await fill(keys, written.lastGroups);
  const fullBytes = await fill(fullKeys, written.groups);
  const secsync = await sealSecsync(bytesOf(written.keystrokes.base), written.keystrokes.tail.map(bytesOf));
  const author = new Y.Doc();
  Y.applyUpdateV2(author, merged);
  const leave = await joinHocuspocus(hocuspocusUrl, name, author);
  // It stores a document two seconds after its last change.
  await pause(4_000);
  leave();
  const bytes = {
    device: await measureRecords(`parley/session/${name}`),
    'y-indexeddb': await measureRecords(`y-${name}`),
    mailbox: mailboxBytes,
    'mailbox-full': fullBytes,
    hocuspocus: Y.encodeStateAsUpdate(author).length,
    secsync: secsync.bytes,
  };

  const ways: Record<Way, () => Promise<number>> = {
    floor: () => timed(() => Y.applyUpdateV2(new Y.Doc(), merged)),
    device: () => openDevice(name, isWhole),
    'y-indexeddb': () => openYIndexeddb(`y-${name}`, isWhole),
    mailbox: () => openFromMailbox(keys, isWhole),
    'mailbox-full': () => openFromMailbox(fullKeys, isWhole),
    hocuspocus: () => openHocuspocus(hocuspocusUrl, name, isWhole),
    secsync: () => openSecsync(secsync, isWhole),
  };
  const times = Object.fromEntries(Object.keys(ways).map((way) => [way, [] as number[]])) as Record<
    Way,
    number[]
  >;
  const parts: OpenFigures['parts'] = { mailbox: [], 'mailbox-full': [] };
  for (let round = -1; round < rounds; round += 1) {
    for (const [way, open] of Object.entries(ways)) {
      const took = await open();
      // The first round warms up.
      if (round >= 0) times[way as Way].push(took);
    }
    const [few, many] = [await takeOpeningApart(keys), await takeOpeningApart(fullKeys)];
    if (round < 0) continue;
    parts.mailbox.push(few);
    parts['mailbox-full'].push(many);
  }
  return { times, bytes, parts };
}

/** Ways from one document to another. */
type KeyWay = 'hocuspocus' | 'y-websocket' | 'relay' | 'mesh' | 'stock';

export interface LatencyFigures {
  readonly times: Record<KeyWay, number[]>;
  /** What Parley's through the relay are made of, each key apart. */
  readonly parts: Record<KeyPart, number>[];
}

/** How long a key takes from one document into another one that is connected to it in one way only. */
export async function measureLatency(
  urls: { hocuspocus: string; yWebsocket: string },
  scripts: MeshScripts,
  keystrokes: number,
): Promise<LatencyFigures> {
  const name = crypto.randomUUID();
  const keys = await newKeys();
  const leave: (() => unknown)[] = [];
  const pairs: Record<KeyWay, readonly [Y.Doc, Y.Doc]> = {
    hocuspocus: pair(),
    'y-websocket': pair(),
    relay: pair(),
    mesh: await joinPair('parley', scripts, leave),
    stock: await joinPair('stock', scripts, leave),
  };
  for (const doc of pairs.relay) {
    const joined = joinMailbox(keys, doc);
    await joined.current;
    leave.push(() => joined.leave());
  }
  for (const doc of pairs.hocuspocus) leave.push(await joinHocuspocus(urls.hocuspocus, name, doc));
  for (const doc of pairs['y-websocket']) leave.push(await joinYWebsocket(urls.yWebsocket, name, doc));
  const apart = await takeKeyApart(keys);
  leave.push(() => apart.close());
  // Until everybody knows of everybody.
  await pause(2_000);
  const figures: LatencyFigures = {
    times: { hocuspocus: [], 'y-websocket': [], relay: [], mesh: [], stock: [] },
    parts: [],
  };
  for (let key = -10; key < keystrokes; key += 1) {
    for (const [way, [from, to]] of Object.entries(pairs)) {
      const took = await timed(() => pressKey(from, to));
      // As fast typing, so that what is spared between two keys is spared here as well.
      await pause(60);
      if (key >= 0) figures.times[way as KeyWay].push(took);
    }
    const parts = await apart.press();
    await pause(60);
    if (key >= 0) figures.parts.push(parts);
  }
  for (const go of leave) await go();
  return figures;
}

/** Two who are connected by a mesh. */
async function joinPair(
  kind: MeshKind,
  scripts: MeshScripts,
  leave: (() => unknown)[],
): Promise<readonly [Y.Doc, Y.Doc]> {
  const joining = {
    room: crypto.randomUUID(),
    password: 'a password',
    hub: hubOf((await newKeys()).sessionId),
  };
  const [one, other] = [joinInFrame(scripts[kind], joining), joinInFrame(scripts[kind], joining)];
  leave.push(
    () => one.leave(),
    () => other.leave(),
  );
  while (one.connected() === 0 || other.connected() === 0) await pause(50);
  return [one.doc, other.doc];
}

function pair(): [Y.Doc, Y.Doc] {
  return [new Y.Doc(), new Y.Doc()];
}

function pressKey(from: Y.Doc, to: Y.Doc): Promise<void> {
  const length = from.getText('text').length + 1;
  return new Promise((resolve) => {
    const look = () => {
      if (to.getText('text').length < length) return;
      to.off('update', look);
      resolve();
    };
    to.on('update', look);
    from.getText('text').insert(length - 1, 'x');
  });
}

async function openHocuspocus(url: string, name: string, isWhole: (doc: Y.Doc) => boolean): Promise<number> {
  const doc = new Y.Doc();
  let leave: () => void = () => undefined;
  const took = await timed(async () => {
    leave = await joinHocuspocus(url, name, doc);
  });
  if (!isWhole(doc)) throw new Error('Hocuspocus did not give everything back');
  leave();
  // It forgets a document that nobody has open: the next one reads it from SQLite again.
  await pause(100);
  return took;
}

function openSecsync(
  document: Awaited<ReturnType<typeof sealSecsync>>,
  isWhole: (doc: Y.Doc) => boolean,
): Promise<number> {
  const doc = new Y.Doc();
  const took = timed(() => document.open(doc));
  if (!isWhole(doc)) throw new Error('secsync did not give everything back');
  return took;
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
