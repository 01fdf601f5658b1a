/// <reference types="node" />
import { createDecipheriv, createHash, createPublicKey, verify } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBase64url, encodeBase64url } from './base64url.ts';
import {
  EMPTY_CHAIN,
  ENVELOPE_LIMIT,
  extendChain,
  hashEnvelope,
  identifyWriter,
  importVerifyKey,
  openEnvelope,
  parseEnvelope,
  sealEnvelope,
  verifyEnvelope,
  type EnvelopeErrorCode,
  type EnvelopeHeader,
} from './envelope.ts';
import vectors from './envelope.vectors.json' with { type: 'json' };

const bytesOf = (text: string) => decodeBase64url(text) ?? new Uint8Array();
const contentKey = await crypto.subtle.importKey('raw', bytesOf(vectors.contentKey), 'AES-GCM', false, [
  'encrypt',
  'decrypt',
]);
const signingKeys = { writer: await signingKey('writer'), reader: await signingKey('reader') };
const verifyKeys = {
  writer: await importVerifyKey(bytesOf(vectors.writer.publicKey)),
  reader: await importVerifyKey(bytesOf(vectors.reader.publicKey)),
};

const cases = vectors.envelopes.map((vector) => ({
  ...vector,
  // The file is checked by the tests themselves; its type is wider than that of a header.
  header: vector.header as EnvelopeHeader,
  signer: vector.signer as 'writer' | 'reader',
}));
const update = cases[1];
if (!update) throw new Error('there is no second vector');

async function signingKey(who: 'writer' | 'reader'): Promise<CryptoKey> {
  const { seed, publicKey } = vectors[who];
  const jwk = { kty: 'OKP', crv: 'Ed25519', d: seed, x: publicKey };
  return crypto.subtle.importKey('jwk', jwk, 'Ed25519', false, ['sign']);
}

function seal(header: EnvelopeHeader, content = new Uint8Array(), signer: 'writer' | 'reader' = 'writer') {
  return sealEnvelope(header, content, { contentKey, signingKey: signingKeys[signer] }, new Uint8Array(12));
}

function errorOf(action: () => unknown): unknown {
  try {
    action();
    return 'no error';
  } catch (error) {
    return (error as { code?: EnvelopeErrorCode }).code ?? error;
  }
}

describe('vectors', () => {
  it('[LK1] name the session that the writer’s key certifies', async () => {
    expect(await identifyWriter(bytesOf(vectors.writer.publicKey))).toBe(vectors.sessionId);
  });

  it.each(cases)('[EN1] [EN2] [EN3] sealing gives $name, byte for byte', async (vector) => {
    const { header, content, nonce, signer, envelope } = vector;
    const sealed = await sealEnvelope(
      header,
      bytesOf(content),
      { contentKey, signingKey: signingKeys[signer] },
      bytesOf(nonce),
    );
    // Node signs as RFC 8032 says. Where an implementation randomises, only what is signed is the same.
    expect(encodeBase64url(sealed)).toBe(envelope);
  });

  it.each(cases)('[EN1] [EN2] [EN3] opening gives back $name', async (vector) => {
    const envelope = parseEnvelope(bytesOf(vector.envelope));
    expect(envelope.header).toEqual(vector.header);
    expect(await verifyEnvelope(envelope, verifyKeys[vector.signer])).toBe(true);
    const other = vector.signer === 'writer' ? 'reader' : 'writer';
    expect(await verifyEnvelope(envelope, verifyKeys[other])).toBe(false);
    expect(encodeBase64url(await openEnvelope(envelope, contentKey))).toBe(vector.content);
  });

  it.each(cases)('[EN1] [EN2] [EN3] another implementation, over node:crypto, reads $name', (vector) => {
    const bytes = Buffer.from(vector.envelope, 'base64url');
    const header = bytes.subarray(0, bytes.readUInt16BE(2));
    const body = bytes.subarray(header.length, -64);
    const digest = createHash('sha256').update(body).digest();
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: vectors[vector.signer].publicKey };
    expect(
      verify(
        null,
        Buffer.concat([Buffer.from('parley/v1/envelope'), header, digest]),
        createPublicKey({ key: jwk, format: 'jwk' }),
        bytes.subarray(-64),
      ),
    ).toBe(true);
    const decipher = createDecipheriv('aes-256-gcm', bytesOf(vectors.contentKey), body.subarray(0, 12));
    decipher.setAAD(header).setAuthTag(body.subarray(-16));
    const content = Buffer.concat([decipher.update(body.subarray(12, -16)), decipher.final()]);
    expect(content.toString('base64url')).toBe(vector.content);
    expect(createHash('sha256').update(bytes).digest('base64url')).toBe(vector.hash);
    expect(header.subarray(4, 26).toString('latin1')).toBe(vector.header.sessionId);
    expect(header.subarray(26, 42).toString('base64url')).toBe(vector.header.id);
  });

  it('[EN4] make the chain that the file says', async () => {
    let chain = EMPTY_CHAIN;
    for (const vector of cases) {
      const hash = await hashEnvelope(bytesOf(vector.envelope));
      expect(hash).toBe(vector.hash);
      chain = await extendChain(chain, hash);
      expect(chain).toBe(vector.chain);
    }
  });
});

describe('header', () => {
  const id16 = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => encodeBase64url(bytes));
  const hash32 = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => encodeBase64url(bytes));
  const zero16 = encodeBase64url(new Uint8Array(16));
  const notZero16 = id16.filter((id) => id !== zero16);
  const count = fc.maxSafeNat();
  const common = fc.record({
    version: fc.constant(1),
    sessionId: fc.stringMatching(/^[\w-]{22}$/),
    id: id16,
    seen: fc.option(fc.record({ epoch: notZero16, seq: count, chain: hash32 })),
  });
  const special = fc.oneof(
    fc.record({ kind: fc.constantFrom('update' as const, 'notice' as const, 'tombstone' as const) }),
    fc.record({
      kind: fc.constant('snapshot' as const),
      prev: fc.option(notZero16),
      covers: count,
      chain: hash32,
    }),
    fc.record({
      kind: fc.constant('presence' as const),
      role: fc.constantFrom('writer' as const, 'reader' as const),
      sender: id16,
      counter: count,
      expires: count,
    }),
    fc.record({ kind: fc.constant('unknown' as const), code: fc.integer({ min: 6, max: 255 }) }),
  );
  const anyHeader = fc.tuple(common, special).map(([a, b]): EnvelopeHeader => ({ ...a, ...b }));

  it('[EN1] [EN5] [EN6] [EN7] [EN8] comes back as it was, whatever it says', async () => {
    await fc.assert(
      fc.asyncProperty(anyHeader, fc.uint8Array({ maxLength: 50 }), async (header, content) => {
        const envelope = parseEnvelope(await seal(header, new Uint8Array(content)));
        expect(envelope.header).toEqual(header);
        expect(await openEnvelope(envelope, contentKey)).toEqual(new Uint8Array(content));
      }),
    );
  });

  it.each([
    ['a session id of 21 characters', { ...update.header, sessionId: 'a'.repeat(21) }],
    ['a session id with a slash', { ...update.header, sessionId: '/'.repeat(22) }],
    ['an id of 15 bytes', { ...update.header, id: encodeBase64url(new Uint8Array(15)) }],
    ['an id that is not base64url', { ...update.header, id: '=' }],
    ['a seq below 0', { ...update.header, seen: { epoch: update.header.id, seq: -1, chain: EMPTY_CHAIN } }],
    ['half a seq', { ...update.header, seen: { epoch: update.header.id, seq: 0.5, chain: EMPTY_CHAIN } }],
    [
      'a seq over 2^53',
      { ...update.header, seen: { epoch: update.header.id, seq: 2 ** 53, chain: EMPTY_CHAIN } },
    ],
    ['another version', { ...update.header, version: 2 }],
  ])('[EN1] is not written with %s', async (_, header) => {
    await expect(seal(header)).rejects.toThrow(RangeError);
  });
});

describe('bytes from elsewhere', () => {
  const good = bytesOf(update.envelope);
  const changed = (at: number, ...values: number[]) => {
    const bytes = good.slice();
    bytes.set(values, at);
    return bytes;
  };

  it.each<[string, Uint8Array<ArrayBuffer>, EnvelopeErrorCode]>([
    ['nothing', new Uint8Array(), 'envelope/malformed'],
    ['a byte less than the smallest', good.slice(0, 98 + 91), 'envelope/malformed'],
    ['version 0', changed(0, 0), 'envelope/malformed'],
    ['version 2', changed(0, 2), 'envelope/version'],
    ['a header of 97 bytes', changed(2, 0, 97), 'envelope/malformed'],
    ['an update with a header of 99 bytes', changed(2, 0, 99), 'envelope/malformed'],
    ['a header longer than the envelope', changed(2, 255, 255), 'envelope/malformed'],
    ['a session id with a NUL', changed(4, 0), 'envelope/malformed'],
    ['a seq over 2^53', changed(58, 255), 'envelope/malformed'],
    ['a position without an epoch', changed(42, ...new Uint8Array(16)), 'envelope/malformed'],
    ['a snapshot with the header of an update', changed(1, 2), 'envelope/malformed'],
    ['presence with the header of an update', changed(1, 3), 'envelope/malformed'],
    ['more than the limit', new Uint8Array(ENVELOPE_LIMIT + 1), 'envelope/too-large'],
  ])('[EN1] %s is refused', (_, bytes, code) => {
    expect(errorOf(() => parseEnvelope(bytes))).toBe(code);
  });

  it.each(['snapshot', 'presence', 'update'])(
    '[EN1] a %s with more in its header than there is to say is refused',
    (kind) => {
      const bytes = bytesOf(cases.find(({ header }) => header.kind === kind)?.envelope ?? '');
      const longer = new Uint8Array([...bytes, 0]);
      new DataView(longer.buffer).setUint16(2, new DataView(bytes.buffer).getUint16(2) + 1);
      expect(errorOf(() => parseEnvelope(longer))).toBe('envelope/malformed');
    },
  );

  it('[EN8] a kind that is not known may say more in its header, but not more than there is', () => {
    const bytes = bytesOf(cases.find(({ header }) => header.kind === 'unknown')?.envelope ?? '');
    const view = new DataView(bytes.buffer);
    view.setUint16(2, bytes.length - 92);
    expect(errorOf(() => parseEnvelope(bytes))).toBe('no error');
    view.setUint16(2, bytes.length - 91);
    expect(errorOf(() => parseEnvelope(bytes))).toBe('envelope/malformed');
  });

  it('[EN7] presence of neither role is refused', () => {
    const presence = cases.find(({ header }) => header.kind === 'presence');
    const bytes = bytesOf(presence?.envelope ?? '');
    bytes[98] = 3;
    expect(errorOf(() => parseEnvelope(bytes))).toBe('envelope/malformed');
  });

  it('[EN1] no bytes do anything but parse or give one of the codes', () => {
    const codes = ['no error', 'envelope/malformed', 'envelope/version'];
    const near = fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, value]) => changed(at, value));
    const any = fc.uint8Array({ maxLength: 400 }).map((bytes) => new Uint8Array(bytes));
    fc.assert(
      fc.property(fc.oneof(near, any), (bytes) => {
        expect(codes).toContain(errorOf(() => parseEnvelope(bytes)));
      }),
      { numRuns: 2_000 },
    );
  });

  it('[EN2] [EN3] whatever byte is changed, the signature does not fit, and but for the signature nothing is decrypted', async () => {
    for (let at = 0; at < good.length; at += 1) {
      const bytes = changed(at, (good[at] ?? 0) ^ 1);
      let envelope;
      try {
        envelope = parseEnvelope(bytes);
      } catch {
        continue;
      }
      expect(await verifyEnvelope(envelope, verifyKeys.writer)).toBe(false);
      const opened = await openEnvelope(envelope, contentKey).catch((error: { code?: string }) => error.code);
      expect(typeof opened === 'string' ? opened : 'opened').toBe(
        at < good.length - 64 ? 'envelope/content' : 'opened',
      );
    }
  });

  it('[EN2] another session’s content key opens nothing', async () => {
    const other = await crypto.subtle.importKey('raw', new Uint8Array(32), 'AES-GCM', false, ['decrypt']);
    await expect(openEnvelope(parseEnvelope(good), other)).rejects.toMatchObject({
      code: 'envelope/content',
    });
  });

  it('[EN1] a content that would make it too large is refused before anything is encrypted', async () => {
    await expect(seal(update.header, new Uint8Array(ENVELOPE_LIMIT - 98 - 91))).rejects.toMatchObject({
      code: 'envelope/too-large',
    });
  });

  it('[EN1] an error holds nothing of the bytes', () => {
    try {
      parseEnvelope(changed(4, 0));
      expect.unreachable();
    } catch (error) {
      expect(String(error)).toBe('EnvelopeError: These bytes are not an envelope.');
    }
  });
});
