import { encodeBase64url } from '@parley/signaling/base64url';
import { openEnvelope, parseEnvelope } from '@parley/signaling/envelope';
import type { Log } from '@parley/signaling/mailbox';
import type { EditKeys } from '../../session/keys.ts';
import { holdingsOfUpdate, NOTHING, unite, type Holdings } from '../holdings.ts';
import { callerOf, isProblem, type SimulatedRelay } from './relay.ts';
import { DEADLY } from './writing.ts';

/** Finds out what a relay really holds: what a newcomer would get of it. */
export class Truth {
  readonly #keys: EditKeys;
  /** What each envelope brings, by its signature. */
  readonly #brought = new Map<string, Holdings>();
  /** What was found out last. */
  #last: { readonly relay: SimulatedRelay; readonly version: number; readonly held: Holdings } | null = null;

  constructor(keys: EditKeys) {
    this.#keys = keys;
  }

  async of(relay: SimulatedRelay): Promise<Holdings> {
    const { version } = relay;
    if (this.#last?.relay !== relay || this.#last.version !== version)
      this.#last = { relay, version, held: await this.#find(relay) };
    return this.#last.held;
  }

  async #find(relay: SimulatedRelay): Promise<Holdings> {
    const { sessionId, writer, view } = this.#keys;
    const caller = callerOf(sessionId, 'writer', writer.publicKey, view.reader.publicKey);
    return relay.withoutFailures(async () => {
      let held = NOTHING;
      let [after, epoch]: [number, string | null] = [0, null];
      for (;;) {
        let log: Log;
        try {
          log = await relay.pull(caller, after, epoch);
        } catch (error) {
          // Nothing was written.
          if (isProblem(error)) return held;
          throw error;
        }
        const { header, snapshot, entries } = log;
        const bodies = entries.flatMap((entry) => ('bytes' in entry ? [entry.bytes] : []));
        for (const bytes of snapshot ? [snapshot, ...bodies] : bodies)
          held = unite(held, await this.#broughtBy(bytes));
        epoch = header.epoch;
        after = header.first + entries.length - 1;
        if (after >= header.head || log.tombstone) return held;
      }
    });
  }

  async #broughtBy(bytes: Uint8Array<ArrayBuffer>): Promise<Holdings> {
    const key = encodeBase64url(bytes.subarray(-64));
    const known = this.#brought.get(key);
    if (known) return known;
    const envelope = parseEnvelope(bytes);
    let holdings = NOTHING;
    if (envelope.header.kind === 'update' || envelope.header.kind === 'snapshot') {
      const content = await openEnvelope(envelope, this.#keys.view.contentKey);
      // What nobody survives is held by nobody.
      const isDeadly = new TextDecoder().decode(content).includes(DEADLY);
      try {
        holdings = isDeadly ? NOTHING : holdingsOfUpdate(content);
      } catch {
        // Made to be poisonous.
      }
    }
    this.#brought.set(key, holdings);
    return holdings;
  }
}
