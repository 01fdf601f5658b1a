import * as Y from 'yjs';
import { encodeBase64url } from '@parley/signaling/base64url';
import { SessionError } from './errors.ts';
import type { RandomBytes } from './keys.ts';
import { compareOrder, orderBetween } from './order.ts';
import { cleanName } from './person.ts';

/** Origin of the transaction that brings over what arrived late in an old session: a deed of this device, though Yjs does not call it local. */
export const BROUGHT_OVER = 'parley/brought-over';

/** The document layout that this version writes, and the newest that it may write to ([DOC2]). */
export const SCHEMA_VERSION = 1;

/** Origin of the transactions that this person's own hands made. */
const LOCAL = 'parley/local';

/** Longest title of a session or page, in UTF-16 code units. */
export const TITLE_LIMIT = 200;

/**
 * `empty`: nothing has arrived yet, the session is not known to be anything.
 * `open`: this version may read and write it.
 * `newer`: a newer version has written it; this one may only read.
 */
export type DocumentState = 'empty' | 'open' | 'newer';

export interface PageEntry {
  readonly id: string;
  readonly title: string;
  readonly order: string;
  /** When it was removed, in milliseconds since 1970, or null. A removed page keeps its content ([DOC5]). */
  readonly removedAt: number | null;
}

/** Lays a new session's document out: its meta and a first, empty page ([DOC1]). Only its creator calls this. */
export function createDocument(doc: Y.Doc, now: number, random: RandomBytes): void {
  write(doc, () => {
    const meta = metaOf(doc);
    meta.set('schemaVersion', SCHEMA_VERSION);
    meta.set('createdAt', now);
    addPage(doc, '', random);
  });
}

export function documentState(doc: Y.Doc): DocumentState {
  const version = metaOf(doc).get('schemaVersion');
  if (version === undefined) return 'empty';
  return typeof version === 'number' && version <= SCHEMA_VERSION ? 'open' : 'newer';
}

/** The session's title, '' while it has none. */
export function readTitle(doc: Y.Doc): string {
  return asTitle(metaOf(doc).get('title'));
}

export function setTitle(doc: Y.Doc, title: string): void {
  const clean = cleanTitle(title);
  if (clean !== readTitle(doc)) write(doc, () => metaOf(doc).set('title', clean));
}

/** Somebody made new links: a copy of the session goes on under them ([NL2]). */
export interface Moved {
  /** When, in milliseconds since 1970, by the clock of who did. */
  readonly at: number;
  /** Their name, '' when there is none. */
  readonly by: string;
  /** Their person id, '' when there is none. */
  readonly person: string;
}

/** A key a session: in the new one, which shares its history with the old one, the old one's notice means nothing. */
const MOVED = 'moved/';

/** The latest notice in this session that somebody made new links for it; null for none, or one that makes no sense. */
export function readMoved(doc: Y.Doc, sessionId: string): Moved | null {
  const notice: unknown = metaOf(doc).get(MOVED + sessionId);
  if (typeof notice !== 'object' || notice === null) return null;
  const { at, by, person } = notice as Record<string, unknown>;
  if (typeof at !== 'number' || !Number.isFinite(at)) return null;
  return { at, by: cleanName(asText(by)), person: asText(person) };
}

/** Tells all who have this session that new links were made for it. It does not say which. */
export function noteMoved(doc: Y.Doc, sessionId: string, { at, by, person }: Moved): void {
  write(doc, () => metaOf(doc).set(MOVED + sessionId, { at, by, person }));
}

/** Whether a transaction did nothing that a person could see but leave such notices. */
export function isOnlyNotice(doc: Y.Doc, { changed }: Y.Transaction): boolean {
  // Not metaOf, which may put another object in its place.
  const meta = doc.share.get('meta');
  return [...changed].every(
    ([type, keys]) => type === meta && [...keys].every((key) => key?.startsWith(MOVED) ?? false),
  );
}

/** All pages in their order, the removed ones too. What a page lacks or has wrong is read as empty. */
export function readPages(doc: Y.Doc): PageEntry[] {
  const entries: PageEntry[] = [];
  for (const [id, page] of pagesOf(doc)) {
    if (!(page instanceof Y.Map)) continue;
    const removedAt: unknown = page.get('removedAt');
    entries.push({
      id,
      title: asTitle(page.get('title')),
      order: asText(page.get('order')),
      removedAt: typeof removedAt === 'number' ? removedAt : null,
    });
  }
  return entries.sort(compareOrder);
}

/** Adds an empty page behind all others and returns its id. */
export function addPage(doc: Y.Doc, title: string, random: RandomBytes): string {
  const id = encodeBase64url(random(9));
  const last = readPages(doc).at(-1);
  write(doc, () => {
    const page = new Y.Map<unknown>();
    page.set('title', cleanTitle(title));
    page.set('order', orderBetween(last?.order ?? null, null, random));
    page.set('content', new Y.XmlFragment());
    pagesOf(doc).set(id, page);
  });
  return id;
}

export function renamePage(doc: Y.Doc, id: string, title: string): void {
  const page = pageOf(doc, id);
  const clean = cleanTitle(title);
  if (page && asTitle(page.get('title')) !== clean) write(doc, () => page.set('title', clean));
}

/** Puts a page out of sight. Its content stays, with what others are still writing into it ([DOC5]). */
export function removePage(doc: Y.Doc, id: string, now: number): void {
  const page = pageOf(doc, id);
  if (page) write(doc, () => page.set('removedAt', now));
}

export function restorePage(doc: Y.Doc, id: string): void {
  const page = pageOf(doc, id);
  if (page?.has('removedAt')) write(doc, () => page.delete('removedAt'));
}

/** Moves a page by `steps` places among those that are not removed; negative is towards the front. */
export function movePage(doc: Y.Doc, id: string, steps: number, random: RandomBytes): void {
  const visible = readPages(doc).filter((page) => page.removedAt === null);
  const from = visible.findIndex((page) => page.id === id);
  if (from < 0) return;
  const others = visible.toSpliced(from, 1);
  const to = Math.max(0, Math.min(others.length, from + steps));
  if (to === from) return;
  const order = orderBetween(others[to - 1]?.order ?? null, others[to]?.order ?? null, random);
  write(doc, () => pageOf(doc, id)?.set('order', order));
}

/** The rich text of a page, or null when there is no such page or it has none. */
export function pageContent(doc: Y.Doc, id: string): Y.XmlFragment | null {
  const content = pageOf(doc, id)?.get('content');
  return content instanceof Y.XmlFragment ? content : null;
}

/**
 * A copy that follows `source` and is never written back ([DOC4]). What is shown of a document that may not be changed is shown
 * from a mirror, because an editor binding deletes the elements that it does not know.
 *
 * @returns the copy, and how to stop following
 */
export function mirrorDocument(source: Y.Doc): { mirror: Y.Doc; stop: () => void } {
  const mirror = new Y.Doc();
  Y.applyUpdate(mirror, Y.encodeStateAsUpdate(source));
  const follow = (update: Uint8Array) => Y.applyUpdate(mirror, update);
  source.on('update', follow);
  return {
    mirror,
    stop() {
      source.off('update', follow);
      mirror.destroy();
    },
  };
}

export function metaOf(doc: Y.Doc): Y.Map<unknown> {
  return doc.getMap('meta');
}

export function pagesOf(doc: Y.Doc): Y.Map<unknown> {
  return doc.getMap('pages');
}

function pageOf(doc: Y.Doc, id: string): Y.Map<unknown> | null {
  const page = pagesOf(doc).get(id);
  return page instanceof Y.Map ? (page as Y.Map<unknown>) : null;
}

/** A title as it is kept: one line, without space around it, at most {@link TITLE_LIMIT} long. */
export function cleanTitle(title: string): string {
  return title
    .slice(0, 4 * TITLE_LIMIT)
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, TITLE_LIMIT)
    .toWellFormed();
}

const protectedDocuments = new WeakSet<Y.Doc>();

/** From here on this person changes nothing in `doc`: it was opened with a view link. What others change is still applied. */
export function protectDocument(doc: Y.Doc): void {
  protectedDocuments.add(doc);
}

/** One transaction, made by this person. @throws {SessionError} `document/newer`, `document/view-only` */
function write(doc: Y.Doc, change: () => void): void {
  if (protectedDocuments.has(doc)) throw new SessionError('document/view-only');
  if (documentState(doc) === 'newer') throw new SessionError('document/newer');
  doc.transact(change, LOCAL);
}

/** A title from the document, where another device may have put anything. */
function asTitle(value: unknown): string {
  return cleanTitle(asText(value));
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
