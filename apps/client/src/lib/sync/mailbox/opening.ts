import { decodeBase64url } from '@parley/signaling/base64url';
import {
  EMPTY_CHAIN,
  EnvelopeError,
  extendChain,
  hashEnvelope,
  identifyWriter,
  importVerifyKey,
  openEnvelope,
  parseEnvelope,
  verifyEnvelope,
  type EnvelopeHeader,
} from '@parley/signaling/envelope';
import type { Log, LogEntry } from '@parley/signaling/mailbox';
import { chainAt, type KnownLog } from './known-log.ts';
import type { OpenedContent, OpenedEntry, OpenedLog, OpenedSnapshot } from './opened.ts';

/** What it takes to read a session's envelopes. */
export interface ReadingKeys {
  readonly sessionId: string;
  readonly contentKey: CryptoKey;
  readonly writerKey: CryptoKey;
}

/** The key that the relay says is the writer's, if it is: the session id certifies it ([LK1]); else null. */
export async function certifyWriter(sessionId: string, publicKey: string): Promise<CryptoKey | null> {
  const raw = decodeBase64url(publicKey);
  if (raw?.length !== 32 || (await identifyWriter(raw)) !== sessionId) return null;
  return importVerifyKey(raw);
}

/**
 * Verifies, decrypts and chains an answer to a pull ([SY8]). Null when it makes no sense by itself: a gap, a missing part, a
 * snapshot or tombstone that nobody with the edit link made ([SY10], [SY12]).
 */
export async function openLog(
  log: Log,
  keys: ReadingKeys,
  known: KnownLog | null,
): Promise<OpenedLog | null> {
  const { header, entries } = log;
  const common = { epoch: header.epoch, head: header.head, current: header.current };
  if (log.tombstone) {
    const { kind } = (await openEnvelopeBytes(log.tombstone, keys)).content;
    if (kind !== 'tombstone') return null;
    return { ...common, deleted: true, snapshot: null, base: { seq: 0, chain: EMPTY_CHAIN }, entries: [] };
  }
  const snapshot = log.snapshot ? await openSnapshot(log, log.snapshot, keys) : null;
  if (log.snapshot && !snapshot) return null;
  const base = baseOf(log, snapshot, known);
  const covered = snapshot?.covers ?? 0;
  const isWhole = entries.every((entry) => 'bytes' in entry || entry.seq <= covered);
  const last = header.first + entries.length - 1;
  if (!base || !isWhole || last > header.head) return null;
  if (snapshot && (snapshot.covers > header.head || last < snapshot.covers)) return null;
  const opened = await openEntries(entries, base.chain, keys);
  return {
    ...common,
    deleted: opened.some(({ content }) => content.kind === 'tombstone'),
    snapshot,
    base,
    entries: opened,
  };
}

/** The same for envelopes that the channel brought, `head` being the last one's seq; null where they do not follow what is known. */
export async function openTold(
  told: { readonly epoch: string; readonly head: number; readonly current: KnownLog['current'] },
  envelopes: readonly Uint8Array<ArrayBuffer>[],
  keys: ReadingKeys,
  known: KnownLog,
): Promise<OpenedLog | null> {
  const before = told.head - envelopes.length;
  const chain = before >= 0 && before <= known.seq ? chainAt(known, before) : null;
  if (told.epoch !== known.epoch || envelopes.length === 0 || chain === null) return null;
  const entries = await openEntries(
    envelopes.map((bytes, index) => ({ seq: before + 1 + index, bytes })),
    chain,
    keys,
  );
  const deleted = entries.some(({ content }) => content.kind === 'tombstone');
  return { ...told, deleted, snapshot: null, base: { seq: before, chain }, entries };
}

/** An envelope's content and header, once verified; a header only where there is something to believe. */
async function openEnvelopeBytes(
  bytes: Uint8Array<ArrayBuffer>,
  { sessionId, contentKey, writerKey }: ReadingKeys,
): Promise<{
  content: OpenedContent;
  header: EnvelopeHeader | null;
  update: Uint8Array<ArrayBuffer> | null;
}> {
  try {
    const envelope = parseEnvelope(bytes);
    const { header } = envelope;
    if (header.sessionId !== sessionId || !(await verifyEnvelope(envelope, writerKey))) return DROPPED;
    if (header.kind === 'unknown') return { content: { kind: 'unknown' }, header, update: null };
    // Also what has no content to speak of proves with it that its maker had the key.
    const update = await openEnvelope(envelope, contentKey);
    if (header.kind === 'update') return { content: { kind: 'update', update }, header, update };
    if (header.kind === 'notice') return { content: { kind: 'notice' }, header, update: null };
    if (header.kind === 'tombstone') return { content: { kind: 'tombstone' }, header, update: null };
    // Neither a snapshot nor a presence belongs into the log.
    return { content: { kind: 'dropped' }, header, update };
  } catch (error) {
    if (!(error instanceof EnvelopeError)) throw error;
    // Made by a newer version: not even its signature can be checked.
    if (error.code === 'envelope/version')
      return { content: { kind: 'unknown' }, header: null, update: null };
    return DROPPED;
  }
}

const DROPPED = { content: { kind: 'dropped' }, header: null, update: null } as const;

async function openSnapshot(
  { header: log }: Log,
  bytes: Uint8Array<ArrayBuffer>,
  keys: ReadingKeys,
): Promise<OpenedSnapshot | null> {
  const { header, update } = await openSnapshotBytes(bytes, keys);
  if (header?.kind !== 'snapshot') return null;
  const { id, covers, chain, seen } = header;
  if (id !== log.current?.id || covers !== log.current.covers) return null;
  // The chain in it is that of the log which its maker saw.
  if (covers > 0 && seen?.epoch !== log.epoch) return null;
  return { hash: await hashEnvelope(bytes), id, covers, chain, seen, update, size: bytes.length };
}

/** The same for a snapshot, of which also the header of one that does not decrypt is believed: its writer signed it. */
async function openSnapshotBytes(
  bytes: Uint8Array<ArrayBuffer>,
  { sessionId, contentKey, writerKey }: ReadingKeys,
): Promise<{ header: EnvelopeHeader | null; update: Uint8Array<ArrayBuffer> }> {
  // Not an update: applying it fails, so that it is quarantined like any other that cannot be applied ([SY16]).
  let [header, update]: [EnvelopeHeader | null, Uint8Array<ArrayBuffer>] = [null, new Uint8Array()];
  try {
    const envelope = parseEnvelope(bytes);
    const isOurs = envelope.header.sessionId === sessionId && (await verifyEnvelope(envelope, writerKey));
    if (isOurs) {
      header = envelope.header;
      update = await openEnvelope(envelope, contentKey);
    }
  } catch (error) {
    if (!(error instanceof EnvelopeError)) throw error;
  }
  return { header, update };
}

/** What the entries follow on, as far as anybody but the relay vouches for it. */
function baseOf(
  { header }: Log,
  snapshot: OpenedSnapshot | null,
  known: KnownLog | null,
): OpenedLog['base'] | null {
  const seq = header.first - 1;
  if (seq === 0) return { seq, chain: EMPTY_CHAIN };
  const own = known?.epoch === header.epoch && seq <= known.seq ? chainAt(known, seq) : null;
  if (own !== null && seq >= 0) return { seq, chain: own };
  if (snapshot && seq === snapshot.covers) return { seq, chain: snapshot.chain };
  // Nothing came, so that nothing has to follow: this is how a log ends that is shorter than it was.
  if (header.entries.length === 0 && !snapshot) return { seq: Math.max(0, seq), chain: EMPTY_CHAIN };
  return null;
}

async function openEntries(
  entries: readonly LogEntry[],
  base: string,
  keys: ReadingKeys,
): Promise<OpenedEntry[]> {
  const parts = await Promise.all(
    entries.map(async (entry) => {
      if ('hash' in entry)
        return { hash: entry.hash, size: 0, seen: null, content: { kind: 'covered' } as const };
      const [hash, { content, header }] = await Promise.all([
        hashEnvelope(entry.bytes),
        openEnvelopeBytes(entry.bytes, keys),
      ]);
      return { hash, size: entry.bytes.length, seen: header?.seen ?? null, content };
    }),
  );
  const opened: OpenedEntry[] = [];
  let chain = base;
  for (const [index, part] of parts.entries()) {
    chain = await extendChain(chain, part.hash);
    opened.push({ ...part, seq: entries[index]?.seq ?? 0, chain });
  }
  return opened;
}
