import { EmbeddedJWK, jwtVerify } from 'jose';
import { beforeEach, describe, expect, test } from 'vitest';
import { encodeBase64url } from '@parley/signaling/base64url';
import { tokenClaims } from '@parley/signaling/token';
import { deriveEditKeys } from '../../session/keys.ts';
import { TokenSource } from './token.ts';

const keys = await deriveEditKeys(new Uint8Array(32));
const relay = 'https://relay.example';
const noon = Date.UTC(2026, 10, 21, 12);
let now = noon;

beforeEach(() => {
  now = noon;
});

function source(writer: boolean): TokenSource {
  return new TokenSource({
    sessionId: keys.sessionId,
    relay,
    writer: writer ? keys.writer : null,
    reader: keys.view.reader,
    now: () => now,
  });
}

async function read(token: string, at = now) {
  const { payload, protectedHeader } = await jwtVerify(token, EmbeddedJWK, {
    algorithms: ['EdDSA'],
    audience: relay,
    currentDate: new Date(at),
  });
  return { claims: tokenClaims.parse(payload), jwk: protectedHeader.jwk };
}

describe('token', () => {
  test('[MB1] [MB2] a writer’s opens reading and writing for ten minutes, and tells the reader’s key', async () => {
    const { claims, jwk } = await read(await source(true).token());
    expect(claims).toEqual({
      sub: keys.sessionId,
      aud: relay,
      iat: noon / 1000,
      exp: noon / 1000 + 600,
      scope: 'read write',
      reader: encodeBase64url(keys.view.reader.publicKey),
    });
    expect(jwk).toEqual({ kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(keys.writer.publicKey) });
  });

  test('[MB2] a viewer’s is signed by the reader’s key, opens reading and claims nothing else', async () => {
    const { claims, jwk } = await read(await source(false).token());
    expect(claims).toMatchObject({ scope: 'read', sub: keys.sessionId });
    expect(claims).not.toHaveProperty('reader');
    expect(jwk).toMatchObject({ x: encodeBase64url(keys.view.reader.publicKey) });
  });

  test('[IC1] [IC10] one for ICE opens nothing else, and that for the mailbox is no wider for it', async () => {
    const tokens = source(true);
    const mailbox = await tokens.token();
    const { claims, jwk } = await read(await tokens.token('ice'));
    expect(claims).toEqual({
      sub: keys.sessionId,
      aud: relay,
      iat: noon / 1000,
      exp: noon / 1000 + 600,
      scope: 'ice',
    });
    expect(jwk).toMatchObject({ x: encodeBase64url(keys.writer.publicKey) });
    expect(await tokens.token()).toBe(mailbox);
    expect((await read(mailbox)).claims.scope).toBe('read write');
  });

  test('[IC10] each is kept for as long as it is good, and none that was refused', async () => {
    const tokens = source(true);
    const [ice, mailbox] = [await tokens.token('ice'), await tokens.token('mailbox')];
    now += 5_000;
    expect(await tokens.token('ice')).toBe(ice);
    expect(await tokens.token('mailbox')).toBe(mailbox);
    tokens.renew();
    expect((await read(await tokens.token('ice'))).claims.iat).toBe(now / 1000);
    expect((await read(await tokens.token('mailbox'))).claims.iat).toBe(now / 1000);
  });

  test('one is used for as long as it is good, and renewed before it ends', async () => {
    const tokens = source(true);
    const first = await tokens.token();
    now += 479_000;
    expect(await tokens.token()).toBe(first);
    now += 2_000;
    const second = await tokens.token();
    expect(second).not.toBe(first);
    expect((await read(second)).claims.iat).toBe(now / 1000);
  });

  test('a clock that is set back does not leave a token that begins in the future', async () => {
    const tokens = source(true);
    await tokens.token();
    now -= 3_600_000;
    expect((await read(await tokens.token())).claims.iat).toBe(now / 1000);
  });

  test('a refused one is not used again', async () => {
    const tokens = source(true);
    await tokens.token();
    now += 5_000;
    tokens.renew();
    expect((await read(await tokens.token())).claims.iat).toBe(now / 1000);
  });

  test('[MB1] the relay’s clock counts: a device that is years behind gets tokens that are good there', async () => {
    now = Date.UTC(2001, 0, 1);
    const tokens = source(true);
    await tokens.token();
    tokens.correctClock(new Date(noon).toUTCString());
    const { claims } = await read(await tokens.token(), noon);
    expect(claims.iat).toBe(noon / 1000);
  });

  test.each([null, '', 'yesterday', '<html>'])('a Date of %j changes nothing', async (date) => {
    const tokens = source(true);
    const first = await tokens.token();
    tokens.correctClock(date);
    expect(await tokens.token()).toBe(first);
  });

  test('a second of difference is no reason for another token', async () => {
    const tokens = source(true);
    const first = await tokens.token();
    tokens.correctClock(new Date(noon + 1_000).toUTCString());
    expect(await tokens.token()).toBe(first);
  });
});
