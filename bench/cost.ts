/**
 * What typing costs at the relay: real clients with a virtual clock replay a recording with its real times against the
 * relay's own rules over a real local D1, which counts its rows.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { encodeBase64url } from '@parley/signaling/base64url';
import { decodeLog, encodeLog, type MailboxFrame } from '@parley/signaling/mailbox';
import { createMailbox, DEFAULT_LIMITS, type Caller, type MailboxDatabase } from '@parley/relay/mailbox';
import { getPlatformProxy } from 'wrangler';
import { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { deriveEditKeys, secureRandom, type EditKeys } from '../apps/client/src/lib/session/keys.ts';
import { MailboxClient, type StoredMailbox } from '../apps/client/src/lib/sync/mailbox/client.ts';
import { MailboxRefusal, type ChannelListener } from '../apps/client/src/lib/sync/mailbox/ports.ts';
import { VirtualClock, whileTimeStands } from '../apps/client/src/lib/sync/simulation/clock.ts';
import { isProblem } from '../apps/client/src/lib/sync/simulation/relay.ts';
import { typeTransaction, type Keystroke, type Trace } from './trace.ts';

/** What was asked of the relay. */
export interface Cost {
  /** Requests to the Worker: HTTP, and the WebSocket that each participant opens. */
  workerRequests: number;
  /** Requests to the Durable Object, as they are billed: one a notification or connection, a twentieth a WebSocket message. */
  objectRequests: number;
  rowsWritten: number;
  rowsRead: number;
}

/** How the participants are connected besides the relay. */
export type Company = 'alone' | 'mesh' | 'relay only';

const HOUR = 3_600_000;

/**
 * Lets one of `people` type for an hour, while the others are present.
 *
 * @param before what stands there already
 */
export async function measureHour(
  before: readonly Trace['txns'][number][],
  hour: readonly Keystroke[],
  people: number,
  company: Company,
): Promise<Cost> {
  const relay = await CountingRelay.open();
  try {
    const keys = await deriveEditKeys(secureRandom(32));
    const clock = new VirtualClock();
    const base = new Y.Doc();
    for (const txn of before) typeTransaction(base.getText('text'), txn);
    const state = Y.encodeStateAsUpdate(base);
    const participants = Array.from({ length: people }, () => join(keys, clock, relay, state, company));
    const [author] = participants;
    if (!author) throw new RangeError('nobody types');
    if (company === 'mesh') {
      author.doc.on('update', (update: Uint8Array) => {
        for (const { doc } of participants) if (doc !== author.doc) Y.applyUpdate(doc, update, 'mesh');
      });
    }
    for (const { client } of participants) await client.start();
    await run(clock, clock.now + 120_000);
    // What stands there already has been paid for.
    relay.reset();
    const start = clock.now;
    const text = author.doc.getText('text');
    for (const { at, txn } of hour) clock.after(start + at - clock.now, () => typeTransaction(text, txn));
    // The last ones are stored, too.
    await run(clock, start + HOUR + 30_000);
    const cost = relay.cost();
    for (const { client } of participants) await client.stop();
    return cost;
  } finally {
    await relay.close();
  }
}

async function run(clock: VirtualClock, end: number): Promise<void> {
  while (await clock.step(end));
}

function join(
  keys: EditKeys,
  clock: VirtualClock,
  relay: CountingRelay,
  state: Uint8Array,
  company: Company,
) {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, state);
  const awareness = new Awareness(doc);
  // Its timers are those of the real clock.
  clearInterval(awareness._checkInterval);
  awareness.setLocalState({});
  const caller: Caller = {
    sessionId: keys.sessionId,
    role: 'writer',
    publicKey: encodeBase64url(keys.writer.publicKey),
    reader: { key: encodeBase64url(keys.view.reader.publicKey), at: 1 },
    prefix: '192.0.2.0',
  };
  let parts: Partial<StoredMailbox> = {};
  const client = new MailboxClient({
    sessionId: keys.sessionId,
    doc,
    awareness,
    keys: { contentKey: keys.view.contentKey, writer: keys.writer, reader: keys.view.reader },
    transport: {
      pull: (after, epoch) =>
        relay
          .ask((mailbox) => mailbox.pull(caller, after, epoch))
          .then(async (pulled) => {
            const bodies: Uint8Array[] = [];
            for await (const body of pulled.bodies()) bodies.push(body);
            const log = decodeLog(encodeLog(pulled.header, bodies));
            if (!log) throw new MailboxRefusal('relay/nonsense');
            return log;
          }),
      append: (envelopes) =>
        relay
          .ask((mailbox) => mailbox.append(caller, [...envelopes]))
          .then(({ answer, frame }) => {
            relay.publish(clock, frame);
            return answer;
          }),
      putSnapshot: (envelope) =>
        relay
          .ask((mailbox) => mailbox.putSnapshot(caller, envelope))
          .then(({ answer, frame }) => {
            relay.publish(clock, frame);
            return answer;
          }),
      // It answers at once.
      giveUp: () => undefined,
    },
    openChannel: (listener) => {
      const leave = relay.connect(clock, listener);
      return { send: (envelope) => relay.pass(clock, listener, keys.sessionId, envelope), close: leave };
    },
    storage: {
      read: () => Promise.resolve(parts),
      write: (changed) => {
        parts = { ...parts, ...changed };
        return Promise.resolve();
      },
    },
    surroundings: {
      now: () => Math.floor(clock.now),
      random: () => Math.random(),
      randomBytes: secureRandom,
      after: (milliseconds, action) => clock.after(milliseconds, action),
    },
    committed: () => Promise.resolve(true),
    reachesDirectly: () => company === 'mesh',
    onStatus: () => undefined,
    onPoisoned: () => undefined,
  });
  return { doc, client };
}

/** A relay that counts what is asked of it. */
class CountingRelay {
  readonly #mailbox: ReturnType<typeof createMailbox>;
  readonly #listeners = new Set<ChannelListener>();
  readonly #close: () => Promise<void>;
  #cost: Cost = { workerRequests: 0, objectRequests: 0, rowsWritten: 0, rowsRead: 0 };

  static async open(): Promise<CountingRelay> {
    const relayFolder = fileURLToPath(new URL('../apps/signaling/cloudflare/', import.meta.url));
    const { env, dispose } = await getPlatformProxy<{ DB: D1Database }>({
      configPath: `${relayFolder}wrangler.jsonc`,
      persist: false,
      remoteBindings: false,
    });
    const migrations = `${relayFolder}migrations/`;
    const schema = readdirSync(migrations)
      .sort()
      .map((file) => readFileSync(`${migrations}${file}`, 'utf8').replaceAll(/--.*$/gm, ''))
      .join('');
    for (const statement of schema.split(';')) {
      if (statement.trim()) await env.DB.prepare(statement).run();
    }
    return new CountingRelay(env.DB, dispose);
  }

  private constructor(database: D1Database, close: () => Promise<void>) {
    this.#close = close;
    const counting: MailboxDatabase = {
      prepare: (sql) => database.prepare(sql),
      batch: async (statements) => {
        const answers = await database.batch(statements as D1PreparedStatement[]);
        for (const { meta } of answers) {
          this.#cost.rowsWritten += meta.rows_written;
          this.#cost.rowsRead += meta.rows_read;
        }
        return answers;
      },
    };
    this.#mailbox = createMailbox({
      database: counting,
      limits: DEFAULT_LIMITS,
      now: () => Date.now(),
      randomBytes: secureRandom,
    });
  }

  reset(): void {
    this.#cost = { workerRequests: 0, objectRequests: 0, rowsWritten: 0, rowsRead: 0 };
  }

  cost(): Cost {
    return { ...this.#cost };
  }

  close(): Promise<void> {
    return this.#close();
  }

  async ask<Answer>(
    request: (mailbox: ReturnType<typeof createMailbox>) => Promise<Answer>,
  ): Promise<Answer> {
    this.#cost.workerRequests += 1;
    try {
      return await whileTimeStands(() => request(this.#mailbox));
    } catch (error) {
      if (isProblem(error)) throw new MailboxRefusal(error.code);
      throw error;
    }
  }

  connect(clock: VirtualClock, listener: ChannelListener): () => void {
    this.#cost.workerRequests += 1;
    this.#cost.objectRequests += 1;
    this.#listeners.add(listener);
    clock.after(1, () => listener.up());
    return () => this.#listeners.delete(listener);
  }

  /** A notification is a request to the object; what it sends to its sockets is not billed. */
  publish(clock: VirtualClock, frame: MailboxFrame): void {
    this.#cost.objectRequests += 1;
    for (const listener of this.#listeners) clock.after(1, () => listener.frame(frame));
  }

  /** A message that came through a socket. */
  pass(clock: VirtualClock, from: ChannelListener, sessionId: string, envelope: Uint8Array): void {
    this.#cost.objectRequests += 1 / 20;
    const frame: MailboxFrame = {
      type: 'live',
      topic: `parley/mailbox/${sessionId}`,
      envelope: encodeBase64url(envelope),
    };
    for (const listener of this.#listeners) {
      if (listener !== from) clock.after(1, () => listener.frame(frame));
    }
  }
}
