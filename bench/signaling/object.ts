import { fileURLToPath } from 'node:url';
import { createTestHarness } from 'wrangler';
import { maskedFrame, openWebSocket, textFrameLength } from '../peers/raw-socket.ts';
import { number, tableOf, type Result } from '../table.ts';
import { compare, middleOf, type Load, type Place, type Shape } from './compare.ts';
import { childrenCalled } from './processes.ts';

/** Workers whose object `HUB` is a hub. */
const WORKERS = {
  bare: fileURLToPath(new URL('../peers/bare-object.ts', import.meta.url)),
  parley: fileURLToPath(new URL('../../apps/signaling/cloudflare/src/worker.ts', import.meta.url)),
} as const;

type Kind = keyof typeof WORKERS;

/** People in the room of an object that is woken. */
const SLEEPERS = 50;

/** The hub in a Durable Object against one that hibernates, too, but keeps no rule; and what its hibernation costs: tables and sentences. */
export async function measureObject(): Promise<string[]> {
  const [bare, parley] = [await startObject('bare'), await startObject('parley')];
  try {
    const places = new Map<Kind, Place>([
      ['bare', bare],
      ['parley', parley],
    ]);
    const shapes = [
      ['50 rooms of 4', { rooms: 50, members: 4, rounds: 20 }],
      ['one room of 50', { rooms: 1, members: 50, rounds: 12 }],
    ] as const;
    const results: Result[] = [];
    for (const [what, shape] of shapes) results.push(...(await compareObjects(places, what, shape)));
    return [
      'In a Durable Object, under workerd as wrangler runs it, which has a proxy of its own before the object; the processor is that of the object’s process only:',
      tableOf(results, 'a hibernating hub without a rule'),
      await measureWake(parley),
    ];
  } finally {
    await Promise.all([bare.stop(), parley.stop()]);
  }
}

interface RunningObject extends Place {
  /** Takes the object out of memory, as the runtime does after ten idle seconds; its sockets stay. */
  hibernate(): Promise<void>;
  stop(): Promise<void>;
}

async function startObject(kind: Kind): Promise<RunningObject> {
  const before = childrenCalled('workerd');
  const harness = createTestHarness({
    workers: [
      {
        config: {
          ...{ name: kind, main: WORKERS[kind], compatibility_date: '2026-11-01' },
          durable_objects: { bindings: [{ name: 'HUB', class_name: 'Hub' }] },
          migrations: [{ tag: 'v1', new_sqlite_classes: ['Hub'] }],
        },
      },
    ],
  });
  const { url } = await harness.listen();
  return {
    ...{ port: Number(url.port), path: '/signaling' },
    pids: childrenCalled('workerd').filter((pid) => !before.includes(pid)),
    hibernate: () =>
      harness.getWorker().evictDurableObject('HUB', { name: 'global-signaling', webSockets: 'hibernate' }),
    stop: () => harness.close(),
  };
}

async function compareObjects(
  places: ReadonlyMap<Kind, Place>,
  what: string,
  shape: Shape,
): Promise<Result[]> {
  const loads = await compare(places, shape);
  const middle = (kind: Kind, of: (load: Load) => number) => middleOf(loads, kind, of);
  const ratio = (of: (load: Load) => number) => middle('parley', of) / middle('bare', of);
  const both = (figure: (kind: Kind) => string) => `${figure('parley')} against ${figure('bare')}`;
  const aPublish = ({ processor, publishes }: Load) => processor / publishes;
  const rate = (kind: Kind) => number(Math.round(middle(kind, (load) => load.deliveries / load.seconds)));
  const thread = (kind: Kind) => number(Math.round(1 / middle(kind, aPublish)));
  return [
    {
      what: `Processor for a publish, ${what}`,
      figure: `${both((kind) => `${(middle(kind, aPublish) * 1e6).toFixed(0)} µs`)}; so ${thread('parley')} publishes for a second of it`,
      ratio: ratio(aPublish),
      aim: 1.15,
    },
    {
      what: `Time for all, ${what}`,
      figure: `${both(rate)} deliveries/s`,
      ratio: ratio(({ seconds }) => seconds),
      aim: 1.15,
    },
  ];
}

/** What goes over the wires when somebody publishes to an object that is not in memory: a sentence. */
async function measureWake({ port, path, hibernate }: RunningObject): Promise<string> {
  const topic = crypto.randomUUID();
  const sockets = await Promise.all(Array.from({ length: SLEEPERS }, () => openWebSocket(port, path)));
  const received = sockets.map((socket) => {
    const chunks: Buffer[] = [];
    socket.on('data', (data) => chunks.push(data));
    return chunks;
  });
  const bytesOf = (chunks: readonly Buffer[]) => chunks.reduce((sum, { length }) => sum + length, 0);
  const frame = JSON.stringify({ type: 'publish', topic });
  const delivery = `${frame.slice(0, -1)},"clients":${SLEEPERS}}`;
  /** In milliseconds, until everybody has it. */
  const publish = async () => {
    const before = received.map(bytesOf);
    const started = performance.now();
    sockets[0]?.write(maskedFrame(frame));
    await until(() =>
      received.every((chunks, index) => bytesOf(chunks) - (before[index] ?? 0) >= delivery.length),
    );
    return performance.now() - started;
  };
  for (const socket of sockets) {
    socket.write(maskedFrame(JSON.stringify({ type: 'subscribe', topics: [topic] })));
    socket.write(maskedFrame('{ "type": "ping" }'));
  }
  // Behind its own answer, a subscription is in force.
  await until(() => received.every((chunks) => bytesOf(chunks) > 0));
  // The first one is for the compilers.
  await publish();
  const awake = await publish();
  const before = received.map(bytesOf);
  await hibernate();
  const woken = await publish();
  // Another one, so that nothing that comes late is missed.
  await publish();
  for (const socket of sockets) socket.destroy();
  const sent = received.map((chunks, index) => bytesOf(chunks) - (before[index] ?? 0));
  const besides = sent.map((bytes) => bytes - 2 * textFrameLength(delivery.length));
  const extra = besides.reduce((sum, bytes) => sum + bytes, 0);
  const kept = received.filter((chunks) => Buffer.concat(chunks).toString().split(delivery).length === 5);
  return (
    `Hibernated, with ${SLEEPERS} sockets in a room: a publish wakes it and is all that goes over the wires, with ${number(extra)} bytes besides; ${kept.length} of ` +
    `${SLEEPERS} have it, and its count of all ${SLEEPERS}. Everybody has it after ${woken.toFixed(0)} ms; one before, without waking, after ${awake.toFixed(0)} ms.`
  );
}

async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error('what was sent did not arrive within 10 seconds');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
