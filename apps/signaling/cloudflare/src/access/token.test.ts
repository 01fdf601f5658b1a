import { encodeBase64url } from '@parley/signaling/base64url';
import { beforeAll, describe, expect, it } from 'vitest';
import { Author, RELAY_ORIGIN } from '../../test/author.ts';
import { expectRefusal } from '../../test/mailbox-bench.ts';
import { readBearer, verifyToken, type Asked } from './token.ts';

let author: Author;
let stranger: Author;
/** Seconds since 1970, the `iat` that tokens get. */
let seconds: number;

beforeAll(async () => {
  author = await Author.create();
  stranger = await Author.create();
  seconds = Math.floor(Date.now() / 1000);
});

const asked = (changes: Partial<Asked> = {}): Asked => ({
  ...{ sessionId: author.sessionId, audience: RELAY_ORIGIN, scope: 'read', now: seconds * 1000 },
  ...changes,
});

describe('the header', () => {
  it('[MB1] a token comes as a bearer', () => {
    expect(readBearer('Bearer a.b-c._d')).toBe('a.b-c._d');
    expect(readBearer('bearer  a.b.c ')).toBe('a.b.c');
  });

  it.each([undefined, ''])('[MB1] %j is none', async (header) => {
    await expectRefusal((async () => readBearer(header))(), 'access/token-missing');
  });

  it.each(['a.b.c', 'Basic a.b.c', 'Bearer', 'Bearer a b', 'Bearer a.b.c, Bearer a.b.c'])(
    '[MB1] %j is malformed',
    async (header) => {
      await expectRefusal((async () => readBearer(header))(), 'access/token-malformed');
    },
  );
});

describe('who asks', () => {
  it('[MB2] a writer is known by the session id, and may tell the reader’s key', async () => {
    expect(
      await verifyToken(await author.token('writer', { iat: seconds }), asked({ scope: 'write' })),
    ).toEqual({
      ...{ sessionId: author.sessionId, role: 'writer', publicKey: author.writer.publicKey },
      reader: { key: author.reader.publicKey, at: seconds },
    });
    expect(await verifyToken(await author.token('writer', { reader: undefined }), asked())).toMatchObject({
      reader: null,
    });
  });

  it('[MB2] any other key is a reader’s, which tells nothing', async () => {
    const token = await author.token('reader', { reader: stranger.reader.publicKey });
    expect(await verifyToken(token, asked())).toEqual({
      ...{ sessionId: author.sessionId, role: 'reader', publicKey: author.reader.publicKey, reader: null },
    });
  });

  it('[MB1] [MB3] a token that was good is looked at anew in all but its signature, and any other signature too', async () => {
    const token = await author.token();
    const opened = await verifyToken(token, asked());
    expect(await verifyToken(token, asked())).toEqual(opened);
    await expectRefusal(verifyToken(token, asked({ now: (seconds + 661) * 1000 })), 'access/token-expired');
    await expectRefusal(verifyToken(token, asked({ now: (seconds - 61) * 1000 })), 'access/token-expired');
    await expectRefusal(verifyToken(token, asked({ scope: 'llm' })), 'access/scope');
    const other = asked({ sessionId: stranger.sessionId });
    await expectRefusal(verifyToken(token, other), 'access/token-audience');
    // The last character of a signature has bits that count for nothing.
    const at = token.length - 10;
    const forged = `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`;
    await expectRefusal(verifyToken(forged, asked()), 'mailbox/not-found');
    const [head = '', , signature = ''] = token.split('.');
    const [, claims = ''] = (await author.token('writer', { exp: seconds + 599 })).split('.');
    await expectRefusal(verifyToken([head, claims, signature].join('.'), asked()), 'mailbox/not-found');
  });

  it('[MB3] a signature of another key is not found', async () => {
    const token = await author.token('writer', {}, { key: stranger.writer.privateKey });
    await expectRefusal(verifyToken(token, asked()), 'mailbox/not-found');
    const good = await author.token();
    const changed = `${good.slice(0, -6)}${good.slice(-6) === 'AAAAAA' ? 'BBBBBB' : 'AAAAAA'}`;
    await expectRefusal(verifyToken(changed, asked()), 'mailbox/not-found');
  });

  it('[MB3] a key that is no point of the curve is not found', async () => {
    const x = encodeBase64url(new Uint8Array(32).fill(0xff));
    const token = await author.token('writer', {}, { header: { jwk: { kty: 'OKP', crv: 'Ed25519', x } } });
    await expectRefusal(verifyToken(token, asked()), 'mailbox/not-found');
  });
});

describe('time', () => {
  it.each([
    ['just made', 0, 600, 0],
    ['by a clock that is 60 seconds ahead', 60, 660, 0],
    ['ended less than 60 seconds ago', -600, 0, 59],
    ['for the longest time', 0, 600, 300],
  ])('[MB1] good when %s', async (_, iat, exp, later) => {
    const token = await author.token('writer', { iat: seconds + iat, exp: seconds + exp });
    await verifyToken(token, asked({ now: (seconds + later) * 1000 }));
  });

  it.each([
    ['made more than 60 seconds from now', 61, 120, 0],
    ['ended 60 seconds ago', -600, 0, 60],
  ])('[MB1] expired when %s', async (_, iat, exp, later) => {
    const token = await author.token('writer', { iat: seconds + iat, exp: seconds + exp });
    await expectRefusal(verifyToken(token, asked({ now: (seconds + later) * 1000 })), 'access/token-expired');
  });

  it.each([
    ['longer than 600 seconds', 0, 601],
    ['ends before it begins', 0, -1],
    ['ends when it begins', 0, 0],
  ])('[MB1] malformed when it is %s', async (_, iat, exp) => {
    const token = await author.token('writer', { iat: seconds + iat, exp: seconds + exp });
    await expectRefusal(verifyToken(token, asked()), 'access/token-malformed');
  });
});

describe('what it opens', () => {
  it('[MB1] one relay, one session', async () => {
    const token = await author.token();
    await expectRefusal(
      verifyToken(token, asked({ audience: 'http://relay.example' })),
      'access/token-audience',
    );
    await expectRefusal(
      verifyToken(token, asked({ sessionId: stranger.sessionId })),
      'access/token-audience',
    );
  });

  it.each([
    [undefined, 'read'],
    ['', 'read'],
    ['write', 'read'],
    ['read', 'write'],
    ['llm ice', 'read'],
    ['reading', 'read'],
  ] as const)('[MB1] [MB4] the scope %j does not open %j', async (scope, wanted) => {
    const token = await author.token('writer', { scope });
    await expectRefusal(verifyToken(token, asked({ scope: wanted })), 'access/scope');
  });

  it.each([undefined, 'llm', 'write llm', 'llm ice'])(
    '[LLM10] the scope %j opens the advisor',
    async (scope) => {
      const token = await author.token('writer', { scope });
      expect(await verifyToken(token, asked({ scope: 'llm' }))).toMatchObject({ role: 'writer' });
    },
  );

  it.each(['', ' ', 'read write ice', 'LLM', 'llms', 'llm,read', 'llm\tread'])(
    '[LLM10] the scope %j does not open the advisor',
    async (scope) => {
      const token = await author.token('writer', { scope });
      await expectRefusal(verifyToken(token, asked({ scope: 'llm' })), 'access/scope');
    },
  );

  it.each(['read', 'write', 'ice'] as const)(
    '[LLM10] a token without a scope, as LLM clients carry it, does not open %j',
    async (scope) => {
      const token = await author.token('writer', { scope: undefined });
      await expectRefusal(verifyToken(token, asked({ scope })), 'access/scope');
    },
  );

  it('[MB3] what needs no key is told of any key and session alike', async () => {
    const forged = (claims: object) => author.token('writer', claims, { key: stranger.writer.privateKey });
    await expectRefusal(verifyToken(await forged({ iat: 1, exp: 2 }), asked()), 'access/token-expired');
    await expectRefusal(verifyToken(await forged({ aud: 'x' }), asked()), 'access/token-audience');
    await expectRefusal(verifyToken(await forged({ scope: 'ice' }), asked()), 'access/scope');
  });
});

describe('malformed tokens', () => {
  it.each<[string, object, object]>([
    ['another algorithm', {}, { alg: 'HS256' }],
    ['no key', {}, { jwk: undefined }],
    ['a private key', {}, { jwk: { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43), d: 'A'.repeat(43) } }],
    ['more than a key', {}, { jwk: { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43), oth: 5 } }],
    [
      'a key that is for nothing',
      {},
      { jwk: { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43), key_ops: [] } },
    ],
    ['a key of another curve', {}, { jwk: { kty: 'OKP', crv: 'X25519', x: 'A'.repeat(43) } }],
    ['a short key', {}, { jwk: { kty: 'OKP', crv: 'Ed25519', x: 'AAAA' } }],
    ['a key of another spelling', {}, { jwk: { kty: 'OKP', crv: 'Ed25519', x: `${'A'.repeat(42)}B` } }],
    ['no session', { sub: undefined }, {}],
    ['several audiences', { aud: [RELAY_ORIGIN] }, {}],
    ['no end', { exp: undefined }, {}],
    ['a beginning between two seconds', { iat: 1.5 }, {}],
    ['a bad reader', { reader: 'x' }, {}],
  ])('[MB1] %s', async (_, claims, header) => {
    // jose signs none of these headers: the token is put together by hand.
    const good = (await author.token('writer', claims)).split('.');
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: author.writer.publicKey };
    const text = JSON.stringify({ alg: 'EdDSA', jwk, ...header });
    good[0] = encodeBase64url(new TextEncoder().encode(text));
    await expectRefusal(verifyToken(good.join('.'), asked()), 'access/token-malformed');
  });

  it.each(['', 'a', 'a.b.c', '..', 'e30.e30.e30', 'x'.repeat(5_000)])('[MB1] %.10s', async (token) => {
    await expectRefusal(verifyToken(token, asked()), 'access/token-malformed');
  });
});
