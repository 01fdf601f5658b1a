import { describe, expect, test } from 'vitest';
import { encodeBase64url } from '@parley/signaling/base64url';
import { SessionError } from './errors.ts';
import { deriveEditKeys, deriveViewKeys, secureRandom } from './keys.ts';

/** Secret 00 01 … 1f. The expected values were derived with node:crypto, see the first test. */
const secret = Uint8Array.from({ length: 32 }, (_, index) => index);

describe('keys', () => {
  test('[LK1] [LK2] [LK3] agree with another implementation of HKDF and Ed25519', async () => {
    const crypto = await import('node:crypto');
    const hkdf = (from: Uint8Array, label: string) =>
      new Uint8Array(crypto.hkdfSync('sha256', from, new Uint8Array(), label, 32));
    const publicOf = (seed: Uint8Array) => {
      const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
      const key = crypto.createPublicKey(crypto.createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
      return new Uint8Array(key.export({ format: 'der', type: 'spki' }).subarray(-32));
    };
    const keys = await deriveEditKeys(secret);
    const writer = publicOf(hkdf(secret, 'parley/v1/writer'));
    const view = hkdf(secret, 'parley/v1/view');
    expect(keys.writer.publicKey).toEqual(writer);
    expect(keys.sessionId).toBe(crypto.createHash('sha256').update(writer).digest('base64url').slice(0, 22));
    expect(keys.mesh.room).toBe(encodeBase64url(hkdf(secret, 'parley/v1/mesh/room')));
    expect(keys.mesh.password).toBe(encodeBase64url(hkdf(secret, 'parley/v1/mesh/password')));
    expect(keys.view.secret).toEqual(view);
    expect(keys.view.reader.publicKey).toEqual(publicOf(hkdf(view, 'parley/v1/reader')));
    // The content key cannot be read, so it is compared by what it encrypts.
    const iv = new Uint8Array(12);
    const sealed = await globalThis.crypto.subtle.encrypt(
      { name: 'AES-GCM', iv },
      keys.view.contentKey,
      secret,
    );
    const cipher = crypto.createCipheriv('aes-256-gcm', hkdf(view, 'parley/v1/content'), iv);
    const other = Buffer.concat([cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
    expect(new Uint8Array(sealed)).toEqual(new Uint8Array(other));
  });

  test('[LK1] [LK2] stay what they are for ever', async () => {
    const keys = await deriveEditKeys(secret);
    expect({
      sessionId: keys.sessionId,
      room: keys.mesh.room,
      password: keys.mesh.password,
      view: encodeBase64url(keys.view.secret),
      reader: encodeBase64url(keys.view.reader.publicKey),
    }).toMatchInlineSnapshot(`
      {
        "password": "Po-G92U4wqMRaH54r6FQRPrR-a7YH1R6H8S8VoKaag0",
        "reader": "O44Uqn0RSdJ6OSUQa3b2R-HwDrfWtFuRM3r29_Tb7Vs",
        "room": "IkkS0BZlJGPg0ukAbd-JE9Z61n8p5G6GIgKldVstl7g",
        "sessionId": "NvZzaVpuCQPiR89dUAfIJz",
        "view": "bt7Iwzm1CeKym3OcxtG1sWRvoa3IgJ_MGq_DCa5-bGQ",
      }
    `);
  });

  test('[LK3] are the same from the view secret alone, and cannot be exported', async () => {
    const edit = await deriveEditKeys(secret);
    const view = await deriveViewKeys(edit.view.secret);
    expect(view.reader.publicKey).toEqual(edit.view.reader.publicKey);
    for (const key of [view.contentKey, view.reader.privateKey, edit.writer.privateKey]) {
      expect(key.extractable).toBe(false);
      await expect(crypto.subtle.exportKey('jwk', key)).rejects.toThrow();
    }
  });

  test('[LK2] the room, which the relay sees, tells nothing of the password', async () => {
    const { mesh } = await deriveEditKeys(secureRandom(32));
    expect(mesh.room).not.toBe(mesh.password);
  });

  test('a signature of the writer verifies under its public key', async () => {
    const { writer } = await deriveEditKeys(secureRandom(32));
    const message = new TextEncoder().encode('parley');
    const signature = await crypto.subtle.sign('Ed25519', writer.privateKey, message);
    const key = await crypto.subtle.importKey('raw', writer.publicKey, 'Ed25519', false, ['verify']);
    expect(await crypto.subtle.verify('Ed25519', key, signature, message)).toBe(true);
  });

  test.each([0, 16, 31, 33])('a secret of %i bytes is refused', async (length) => {
    await expect(deriveEditKeys(new Uint8Array(length))).rejects.toThrow(RangeError);
  });

  test('without WebCrypto (plain http) it says browser/insecure', async () => {
    const subtle = Object.getOwnPropertyDescriptor(Crypto.prototype, 'subtle');
    Object.defineProperty(Crypto.prototype, 'subtle', { value: undefined, configurable: true });
    try {
      await expect(deriveEditKeys(secret)).rejects.toMatchObject({ code: 'browser/insecure' });
    } finally {
      if (subtle) Object.defineProperty(Crypto.prototype, 'subtle', subtle);
    }
  });

  test('without Ed25519 (an old browser) it says browser/too-old', async () => {
    const importKey = SubtleCrypto.prototype.importKey;
    SubtleCrypto.prototype.importKey = function (
      this: SubtleCrypto,
      ...parameters: Parameters<typeof importKey>
    ) {
      if (parameters[2] === 'Ed25519') {
        return Promise.reject(new DOMException('Unrecognized name.', 'NotSupportedError'));
      }
      return importKey.apply(this, parameters);
    } as typeof importKey;
    try {
      const refused = deriveEditKeys(secret);
      await expect(refused).rejects.toThrow(SessionError);
      await expect(refused).rejects.toMatchObject({ code: 'browser/too-old' });
    } finally {
      SubtleCrypto.prototype.importKey = importKey;
    }
  });
});
