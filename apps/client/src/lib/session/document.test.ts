import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as Y from 'yjs';
import {
  addPage,
  cleanTitle,
  createDocument,
  documentState,
  metaOf,
  mirrorDocument,
  movePage,
  noteMoved,
  pageContent,
  pagesOf,
  protectDocument,
  readMoved,
  readPages,
  readTitle,
  removePage,
  renamePage,
  restorePage,
  SCHEMA_VERSION,
  setTitle,
  TITLE_LIMIT,
} from './document.ts';
import { secureRandom } from './keys.ts';

function newSession(): Y.Doc {
  const doc = new Y.Doc();
  createDocument(doc, 1_700_000_000_000, secureRandom);
  return doc;
}

function copyOf(doc: Y.Doc): Y.Doc {
  const copy = new Y.Doc();
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc));
  return copy;
}

function exchange(a: Y.Doc, b: Y.Doc): void {
  Y.applyUpdate(b, Y.encodeStateAsUpdate(a, Y.encodeStateVector(b)));
  Y.applyUpdate(a, Y.encodeStateAsUpdate(b, Y.encodeStateVector(a)));
}

const titles = (doc: Y.Doc) => readPages(doc).map((page) => page.title);

describe('session document', () => {
  test('[DOC1] a new one has its time, its version and one empty page, in one transaction', () => {
    const doc = new Y.Doc();
    let updates = 0;
    doc.on('update', () => (updates += 1));
    createDocument(doc, 1_700_000_000_000, secureRandom);
    expect(updates).toBe(1);
    expect(metaOf(doc).toJSON()).toEqual({
      createdAt: 1_700_000_000_000,
      schemaVersion: SCHEMA_VERSION,
    });
    const [page, ...rest] = readPages(doc);
    expect(rest).toEqual([]);
    expect(page).toMatchObject({ title: '', removedAt: null });
    expect(pageContent(doc, page?.id ?? '')?.length).toBe(0);
  });

  test('[DOC1] reading an empty one changes nothing', () => {
    const doc = new Y.Doc();
    const before = Y.encodeStateAsUpdate(doc);
    expect([documentState(doc), readTitle(doc), readPages(doc), pageContent(doc, 'x')]).toEqual([
      'empty',
      '',
      [],
      null,
    ]);
    expect(Y.encodeStateAsUpdate(doc)).toEqual(before);
  });

  test('[LK11] a protected one is changed by others only', () => {
    const [theirs, doc] = [newSession(), new Y.Doc()];
    protectDocument(doc);
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(theirs));
    const [page] = readPages(doc);
    const before = Y.encodeStateAsUpdate(doc);
    const writes = [
      () => setTitle(doc, 'Mine'),
      () => addPage(doc, 'Mine', secureRandom),
      () => renamePage(doc, page?.id ?? '', 'Mine'),
      () => removePage(doc, page?.id ?? '', 1),
    ];
    for (const write of writes)
      expect(write).toThrow(expect.objectContaining({ code: 'document/view-only' }));
    expect(Y.encodeStateAsUpdate(doc)).toEqual(before);
    setTitle(theirs, 'Theirs');
    exchange(theirs, doc);
    expect(readTitle(doc)).toBe('Theirs');
  });

  test('[DOC2] one from a newer version can be read and not written', () => {
    const doc = newSession();
    const [page] = readPages(doc);
    const id = page?.id ?? '';
    metaOf(doc).set('schemaVersion', SCHEMA_VERSION + 1);
    const before = Y.encodeStateAsUpdate(doc);
    expect(documentState(doc)).toBe('newer');
    const writes = [
      () => setTitle(doc, 'x'),
      () => addPage(doc, 'x', secureRandom),
      () => renamePage(doc, id, 'x'),
      () => removePage(doc, id, 1),
      () => createDocument(doc, 1, secureRandom),
    ];
    for (const write of writes) expect(write).toThrow(expect.objectContaining({ code: 'document/newer' }));
    expect(Y.encodeStateAsUpdate(doc)).toEqual(before);
  });

  test.each([['x'], [null], [{}], [Number.NaN], [[1]]])(
    '[DOC2] the version %j, which is none, is not written over',
    (version) => {
      const doc = newSession();
      metaOf(doc).set('schemaVersion', version);
      expect(documentState(doc)).toBe('newer');
    },
  );

  test('[DOC4] a mirror follows, and nothing flows back', () => {
    const doc = newSession();
    const { mirror, stop } = mirrorDocument(doc);
    setTitle(doc, 'Here');
    expect(readTitle(mirror)).toBe('Here');
    const before = Y.encodeStateAsUpdate(doc);
    const [page] = readPages(mirror);
    pageContent(mirror, page?.id ?? '')?.insert(0, [new Y.XmlElement('paragraph')]);
    metaOf(mirror).set('title', 'There');
    expect(Y.encodeStateAsUpdate(doc)).toEqual(before);
    stop();
    setTitle(doc, 'Later');
    expect(readTitle(mirror)).not.toBe('Later');
  });

  test('[DOC5] what is written into a removed page while it is removed elsewhere is there when it is restored', () => {
    const here = newSession();
    const there = copyOf(here);
    const id = readPages(here)[0]?.id ?? '';
    removePage(here, id, 1_700_000_000_001);
    pageContent(there, id)?.insert(0, [new Y.XmlText('kept')]);
    exchange(here, there);
    expect(readPages(there)[0]?.removedAt).toBe(1_700_000_000_001);
    restorePage(there, id);
    exchange(here, there);
    expect(readPages(here)[0]?.removedAt).toBeNull();
    expect(pageContent(here, id)?.toString()).toBe('kept');
  });

  test('[DOC6] pages move among those one sees', () => {
    const doc = newSession();
    const first = readPages(doc)[0]?.id ?? '';
    renamePage(doc, first, 'a');
    const b = addPage(doc, 'b', secureRandom);
    const c = addPage(doc, 'c', secureRandom);
    expect(titles(doc)).toEqual(['a', 'b', 'c']);
    movePage(doc, c, -2, secureRandom);
    expect(titles(doc)).toEqual(['c', 'a', 'b']);
    movePage(doc, c, 1, secureRandom);
    expect(titles(doc)).toEqual(['a', 'c', 'b']);
    removePage(doc, c, 1);
    movePage(doc, b, -1, secureRandom);
    expect(
      readPages(doc)
        .filter((page) => page.removedAt === null)
        .map((page) => page.title),
    ).toEqual(['b', 'a']);
    movePage(doc, b, -5, secureRandom);
    movePage(doc, b, 99, secureRandom);
    movePage(doc, 'unknown', 1, secureRandom);
    expect(
      readPages(doc)
        .filter((page) => page.removedAt === null)
        .map((page) => page.title),
    ).toEqual(['a', 'b']);
  });

  test('[DOC6] whatever another device has put into a page is read without a throw', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ minLength: 1, maxLength: 5 }), fc.jsonValue({ maxDepth: 2 }), {
          maxKeys: 4,
        }),
        fc.jsonValue({ maxDepth: 1 }),
        (fields, instead) => {
          const doc = newSession();
          const page = new Y.Map<unknown>(
            Object.entries({ title: 5, order: {}, content: 'x', removedAt: [], ...fields }),
          );
          pagesOf(doc).set('strange', page);
          pagesOf(doc).set('none', instead);
          renamePage(doc, 'none', 'x');
          removePage(doc, 'none', 1);
          restorePage(doc, 'none');
          metaOf(doc).set('title', instead);
          for (const { title, order } of readPages(doc))
            expect([typeof title, typeof order]).toEqual(['string', 'string']);
          expect(typeof readTitle(doc)).toBe('string');
          expect(pageContent(doc, 'none')).toBeNull();
          addPage(doc, 'still works', secureRandom);
          expect(titles(doc)).toContain('still works');
        },
      ),
    );
  });

  test('[DOC7] a title is one tidy line, whatever is put in', () => {
    expect(cleanTitle('  Q3 \n\t plan ')).toBe('Q3 plan');
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 900 }), (text) => {
        const title = cleanTitle(text);
        expect(title.length).toBeLessThanOrEqual(TITLE_LIMIT);
        expect(title.isWellFormed()).toBe(true);
        expect(title).not.toMatch(/^\s|\n/);
      }),
    );
    const doc = newSession();
    metaOf(doc).set('title', 'x'.repeat(1_000_000));
    expect(readTitle(doc)).toHaveLength(TITLE_LIMIT);
  });

  test('a title that stays the same is no change', () => {
    const doc = newSession();
    setTitle(doc, 'Plan');
    let updates = 0;
    doc.on('update', () => (updates += 1));
    setTitle(doc, ' Plan ');
    renamePage(doc, readPages(doc)[0]?.id ?? '', '');
    expect(updates).toBe(0);
  });

  test('[DOC8] replicas that have exchanged everything show the same, whatever was done to them and in what order', () => {
    const operation = fc.tuple(
      fc.nat(2),
      fc.constantFrom('title', 'add', 'rename', 'move', 'remove', 'restore'),
      fc.nat(9),
    );
    fc.assert(
      fc.property(
        fc.array(operation, { maxLength: 40 }),
        fc.array(fc.tuple(fc.nat(2), fc.nat(2))),
        (steps, meetings) => {
          const origin = newSession();
          const replicas = [origin, copyOf(origin), copyOf(origin)] as const;
          steps.forEach(([which, kind, number], step) => {
            const doc = replicas[which as 0 | 1 | 2];
            const pages = readPages(doc);
            const id = pages[number % pages.length]?.id ?? '';
            if (kind === 'title') setTitle(doc, `title ${number}`);
            if (kind === 'add') addPage(doc, `page ${number}`, secureRandom);
            if (kind === 'rename') renamePage(doc, id, `page ${number}`);
            if (kind === 'move') movePage(doc, id, number - 5, secureRandom);
            if (kind === 'remove') removePage(doc, id, step);
            if (kind === 'restore') restorePage(doc, id);
            const [a, b] = meetings[step] ?? [0, 0];
            exchange(replicas[a as 0 | 1 | 2], replicas[b as 0 | 1 | 2]);
          });
          for (let round = 0; round < 2; round++) {
            exchange(replicas[0], replicas[1]);
            exchange(replicas[1], replicas[2]);
          }
          exchange(replicas[0], replicas[1]);
          const [first, ...others] = replicas.map((doc) => ({
            title: readTitle(doc),
            pages: readPages(doc),
          }));
          for (const other of others) expect(other).toEqual(first);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('[NL2] a notice of new links is its own session’s, the latest counts, and its name is cleaned', () => {
    const doc = newSession();
    expect(readMoved(doc, 'one')).toBeNull();
    noteMoved(doc, 'one', { at: 5, by: ' Ada\n\u0007 ', person: 'ada' });
    expect(readMoved(doc, 'one')).toEqual({ at: 5, by: 'Ada', person: 'ada' });
    expect(readMoved(doc, 'two')).toBeNull();
    noteMoved(doc, 'one', { at: 6, by: 'Bob', person: 'bob' });
    expect(readMoved(copyOf(doc), 'one')).toEqual({ at: 6, by: 'Bob', person: 'bob' });
    protectDocument(doc);
    expect(() => noteMoved(doc, 'one', { at: 7, by: '', person: '' })).toThrow('document/view-only');
  });

  test('[NL2] whatever else is in its place is none, or has no name', () => {
    const doc = newSession();
    for (const nonsense of [
      1,
      'Ada',
      null,
      [],
      {},
      { at: '1' },
      { at: Infinity },
      new Y.Map(),
      new Y.Text(),
    ]) {
      metaOf(doc).set('moved/one', nonsense);
      expect(readMoved(doc, 'one')).toBeNull();
    }
    metaOf(doc).set('moved/one', { at: 1, by: 2, person: [] });
    expect(readMoved(doc, 'one')).toEqual({ at: 1, by: '', person: '' });
  });
});
