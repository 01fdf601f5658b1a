import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SessionError } from './errors.ts';
import { deriveEditKeys, secureRandom } from './keys.ts';
import { formatLink, isSessionId, parseFragment, unlockSession } from './link.ts';
import { unlockByAddress } from './opening.ts';
import { encodeBase64url } from '@parley/signaling/base64url';

const secret = Uint8Array.from({ length: 32 }, (_, index) => 255 - index);
const { sessionId } = await deriveEditKeys(secret);
const link = await formatLink(sessionId, 'e', secret);
const fragment = link.slice(link.indexOf('#'));

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const outcome: unknown = await promise.then(
    () => 'no error',
    (error: unknown) => error,
  );
  return outcome instanceof SessionError ? outcome.code : String(outcome);
}

/** That no fragment is taken which is this one but for a character. */
async function expectMistyped(whole: string): Promise<void> {
  for (let at = 1; at < whole.length; at++) {
    for (const other of ['A', 'b', '-', '~', 'é']) {
      if (whole[at] === other) continue;
      const damaged = whole.slice(0, at) + other + whole.slice(at + 1);
      // A dot that becomes a letter takes a part away; everything else is a changed character.
      const expected = whole[at] === '.' ? /link\/(mistyped|incomplete)/ : /link\/mistyped/;
      expect(await codeOf(parseFragment(sessionId, damaged)), damaged).toMatch(expected);
    }
  }
}

/** That nothing is taken which begins like this fragment and ends early. @param from the shortest length that is looked at */
async function expectCutOff(whole: string, from: number): Promise<void> {
  for (let length = from; length < whole.length; length++) {
    const code = await codeOf(parseFragment(sessionId, whole.slice(0, length)));
    expect([length, code]).toEqual([length, 'link/incomplete']);
  }
}

describe('link', () => {
  test('[LK4] is path, kind, secret and check, for ever in this form', () => {
    expect(isSessionId(sessionId)).toBe(true);
    expect(link).toMatchInlineSnapshot(
      `"/session/VyNi9_IuqPUFjZiJ3K-305#e.__79_Pv6-fj39vX08_Lx8O_u7ezr6uno5-bl5OPi4eA.qVIP"`,
    );
  });

  test('[LK4] is read back, with and without #, as an edit and as a view link', async () => {
    expect(await parseFragment(sessionId, fragment)).toEqual({ kind: 'e', secret });
    expect(await parseFragment(sessionId, fragment.slice(1))).toEqual({ kind: 'e', secret });
    const view = await formatLink(sessionId, 'v', secret);
    expect(await parseFragment(sessionId, view.slice(view.indexOf('#')))).toEqual({ kind: 'v', secret });
  });

  test('[LK4] any secret survives', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 32, maxLength: 32 }), async (bytes) => {
        const made = await formatLink(sessionId, 'e', new Uint8Array(bytes));
        expect(await parseFragment(sessionId, made.slice(made.indexOf('#')))).toEqual({
          kind: 'e',
          secret: new Uint8Array(bytes),
        });
      }),
      { numRuns: 50 },
    );
  });

  test('an address without a key is none', async () => {
    expect(await parseFragment(sessionId, '')).toBeNull();
    expect(await parseFragment(sessionId, '#')).toBeNull();
  });

  test('[LK5] cut off anywhere, it is incomplete', async () => {
    await expectCutOff(fragment, '#e.'.length);
  });

  test('[LK5] any one character changed, it is mistyped', async () => {
    await expectMistyped(fragment);
  });

  test('[LK5] characters added, doubled or swapped: mistyped', async () => {
    for (const damaged of [
      `${fragment}A`,
      `${fragment}.AAAA`,
      `#e${fragment.slice(2).replace('.', '..')}`,
      `${fragment}%21`,
      `#x${fragment.slice(2)}`,
      '#hello',
      '#e.%%%.abcd',
    ]) {
      expect(await codeOf(parseFragment(sessionId, damaged)), damaged).toBe('link/mistyped');
    }
  });

  describe('with the access key of a private relay', () => {
    const access = 'a-key_of-some-people';

    async function fragmentWith(kind: 'e' | 'v' = 'e'): Promise<string> {
      const whole = await formatLink(sessionId, kind, secret, access);
      return whole.slice(whole.indexOf('#'));
    }

    test('[LK12] it comes before the rest, for ever in this form', async () => {
      expect(await fragmentWith()).toMatchInlineSnapshot(
        `"#a.a-key_of-some-people.e.__79_Pv6-fj39vX08_Lx8O_u7ezr6uno5-bl5OPi4eA.xZsz"`,
      );
    });

    test('[LK12] it is read back, with the key of the session, from an edit and from a view link', async () => {
      for (const kind of ['e', 'v'] as const) {
        expect(await parseFragment(sessionId, await fragmentWith(kind))).toEqual({ kind, secret, access });
        const opened = await unlockByAddress(sessionId, await fragmentWith(kind), undefined);
        expect(opened).toMatchObject({ kind: kind === 'e' ? 'edit' : 'view', access });
      }
    });

    test('[LK12] [LK9] it is read also where the key of the session is not taken', async () => {
      const known = { kind: 'edit', secret: encodeBase64url(secret), proven: true } as const;
      const { view } = await deriveEditKeys(secret);
      const whole = await formatLink(sessionId, 'v', view.secret, access);
      const opened = await unlockByAddress(sessionId, whole.slice(whole.indexOf('#')), known);
      expect(opened).toMatchObject({ kind: 'edit', ignored: 'link/weaker', access });
    });

    test('[LK12] [LK5] cut off anywhere, the link is incomplete', async () => {
      const whole = await fragmentWith();
      await expectCutOff(whole, '#a'.length);
    });

    test('[LK12] [LK5] any one character changed, also of the access key, it is mistyped', async () => {
      const whole = await fragmentWith();
      await expectMistyped(whole);
    });

    test('[LK12] one that is taken out or put in does not pass the check', async () => {
      const whole = await fragmentWith();
      expect(await codeOf(parseFragment(sessionId, whole.replace(`a.${access}.`, '')))).toBe('link/mistyped');
      const put = fragment.replace('#', `#a.${access}.`);
      expect(await codeOf(parseFragment(sessionId, put))).toBe('link/mistyped');
    });
  });

  test.each(['.', ' ', '%20', ').', '>', '",', '...'])(
    '[LK5] %j behind a link is no part of it',
    async (tail) => {
      expect(await parseFragment(sessionId, fragment + tail)).toEqual({ kind: 'e', secret });
    },
  );

  test('[LK5] a mistyped id is found out by the check as well', async () => {
    const other = (sessionId.startsWith('A') ? 'B' : 'A') + sessionId.slice(1);
    expect(await codeOf(parseFragment(other, fragment))).toBe('link/mistyped');
  });

  test.each([
    '',
    'x',
    'a'.repeat(21),
    'a'.repeat(23),
    `${'a'.repeat(21)}!`,
    '../../etc/passwd',
    `${'a'.repeat(21)}é`,
  ])('[LK5] the id %j is malformed', async (id) => {
    expect(await codeOf(parseFragment(id, fragment))).toBe('link/malformed');
    expect(await codeOf(unlockByAddress(id, fragment, undefined))).toBe('link/malformed');
  });

  test('[LK5] no fragment whatever is anything but read or refused with a code', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ maxLength: 80, unit: 'binary' }), async (text) => {
        const code = await codeOf(parseFragment(sessionId, `#e.${text}`));
        expect(code).toMatch(/^link\/(incomplete|mistyped)$/);
      }),
    );
  });

  test('[LK6] a good link of one session does not open another', async () => {
    const other = await deriveEditKeys(secureRandom(32));
    const foreign = await formatLink(other.sessionId, 'e', secret);
    expect(await parseFragment(other.sessionId, foreign.slice(foreign.indexOf('#')))).not.toBeNull();
    expect(await codeOf(unlockSession(other.sessionId, secret))).toBe('link/foreign');
  });

  test('an error never carries the key', async () => {
    try {
      await parseFragment(sessionId, fragment.slice(0, -1));
      expect.unreachable();
    } catch (error) {
      expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain(encodeBase64url(secret).slice(0, 8));
    }
  });
});

describe('opening by address', () => {
  const known = { kind: 'edit', secret: encodeBase64url(secret), proven: true } as const;

  async function viewLink(viewSecret: Uint8Array<ArrayBuffer>): Promise<string> {
    const whole = await formatLink(sessionId, 'v', viewSecret);
    return whole.slice(whole.indexOf('#'));
  }

  test('takes the key of the link', async () => {
    const opened = await unlockByAddress(sessionId, fragment, undefined);
    expect(opened).toMatchObject({ kind: 'edit', secret, ignored: null, keys: { sessionId } });
  });

  test('[LK7] takes the key that the device knows', async () => {
    expect(await unlockByAddress(sessionId, '', known)).toMatchObject({ secret, ignored: null });
  });

  test('[LK7] says session/unknown when nobody knows the key', async () => {
    expect(await codeOf(unlockByAddress(sessionId, '', undefined))).toBe('session/unknown');
  });

  test('[LK7] a bad link does not stand in the way of a known key, and says so', async () => {
    const foreign = await formatLink(sessionId, 'e', secureRandom(32));
    for (const [bad, ignored] of [
      [fragment.slice(0, 20), 'link/incomplete'],
      [fragment.replace(/.$/, '~'), 'link/mistyped'],
      [foreign.slice(foreign.indexOf('#')), 'link/foreign'],
    ] as const) {
      expect(await unlockByAddress(sessionId, bad, known)).toMatchObject({ secret, ignored });
      expect(await codeOf(unlockByAddress(sessionId, bad, undefined))).toBe(ignored);
    }
  });

  test('a damaged key in the device list is no way in', async () => {
    expect(await codeOf(unlockByAddress(sessionId, '', { ...known, secret: 'broken!' }))).toBe(
      'session/unknown',
    );
    const other = { ...known, secret: encodeBase64url(secureRandom(32)) };
    expect(await codeOf(unlockByAddress(sessionId, '', other))).toBe('link/foreign');
  });

  test('[LK6] [LK11] a view link opens with what the view secret derives, and nothing more', async () => {
    const { view } = await deriveEditKeys(secret);
    const opened = await unlockByAddress(sessionId, await viewLink(view.secret), undefined);
    expect(opened).toMatchObject({ kind: 'view', keys: null, secret: view.secret, ignored: null });
    expect(opened.view.reader.publicKey).toEqual(view.reader.publicKey);
  });

  test('[LK9] a view link does not take the edit key away, and says so', async () => {
    const { view } = await deriveEditKeys(secret);
    const opened = await unlockByAddress(sessionId, await viewLink(view.secret), known);
    expect(opened).toMatchObject({ kind: 'edit', secret, ignored: 'link/weaker' });
    const strange = await viewLink(secureRandom(32));
    expect(await unlockByAddress(sessionId, strange, known)).toMatchObject({
      kind: 'edit',
      secret,
      ignored: 'link/foreign',
    });
  });

  test('[LK9] an edit link takes the place of a view key', async () => {
    const { view } = await deriveEditKeys(secret);
    const viewer = { kind: 'view', secret: encodeBase64url(view.secret), proven: true } as const;
    expect(await unlockByAddress(sessionId, fragment, viewer)).toMatchObject({
      kind: 'edit',
      secret,
      ignored: null,
    });
    expect(await unlockByAddress(sessionId, '', viewer)).toMatchObject({ kind: 'view', secret: view.secret });
    // A damaged one does not.
    expect(await unlockByAddress(sessionId, fragment.slice(0, -1), viewer)).toMatchObject({
      kind: 'view',
      ignored: 'link/incomplete',
    });
  });

  test('[LK10] a view key that has proven itself stays, one that has not gives way', async () => {
    const viewer = { kind: 'view', secret: encodeBase64url(secureRandom(32)), proven: false } as const;
    const other = secureRandom(32);
    expect(await unlockByAddress(sessionId, await viewLink(other), viewer)).toMatchObject({
      kind: 'view',
      secret: other,
      ignored: null,
    });
    const opened = await unlockByAddress(sessionId, await viewLink(other), { ...viewer, proven: true });
    expect(encodeBase64url(opened.secret)).toBe(viewer.secret);
    expect(opened.ignored).toBe('link/foreign');
  });
});
