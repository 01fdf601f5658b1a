import { decodeBase64url } from '@parley/signaling/base64url';
import { importVerifyKey } from '@parley/signaling/envelope';
import type { Log, MailboxFrame } from '@parley/signaling/mailbox';
import type { KnownLog } from './known-log.ts';
import type { OpenedLog } from './opened.ts';
import { certifyWriter, openLog, openTold, type ReadingKeys } from './opening.ts';

export interface LogReaderOptions {
  readonly sessionId: string;
  readonly contentKey: CryptoKey;
  /** The log as it is known. */
  known(): KnownLog | null;
  /** The writer's key, which this device has not got itself, was given by the relay and is certified. */
  onKey(): void;
}

/** Reads what the relay says of the log, and believes what the writer vouches for: whose key that is, the session id certifies ([LK1]). */
export class LogReader {
  readonly #options: LogReaderOptions;
  #writerKey: CryptoKey | null = null;
  /** The writer's public key as the relay gives it, once it is certified. */
  #certified = '';

  constructor(options: LogReaderOptions) {
    this.#options = options;
  }

  /** null as long as it is not known. */
  get writerKey(): CryptoKey | null {
    return this.#writerKey;
  }

  /** @param publicKey the writer's own, raw, 32 bytes */
  async trust(publicKey: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#writerKey = await importVerifyKey(publicKey);
  }

  /** Reads the answer to a pull; null where it is nonsense. */
  async read(log: Log): Promise<OpenedLog | null> {
    const { writer } = log.header;
    if (writer !== this.#certified) await this.#certify(writer);
    if (writer !== this.#certified || !this.#writerKey) return null;
    return openLog(log, this.#keys(this.#writerKey), this.#options.known());
  }

  /** Reads the envelopes that the channel brought; null where they do not follow what is known, or cannot be judged yet. */
  async readTold(told: Extract<MailboxFrame, { type: 'mailbox' }>): Promise<OpenedLog | null> {
    const envelopes = told.envelopes.map(decodeBase64url).filter((bytes) => bytes !== null);
    const known = this.#options.known();
    if (!known || !this.#writerKey || envelopes.length < told.envelopes.length) return null;
    return openTold(told, envelopes, this.#keys(this.#writerKey), known);
  }

  async #certify(writer: string): Promise<void> {
    const key = await certifyWriter(this.#options.sessionId, writer);
    if (!key) return;
    this.#certified = writer;
    if (this.#writerKey) return;
    this.#writerKey = key;
    this.#options.onKey();
  }

  #keys(writerKey: CryptoKey): ReadingKeys {
    const { sessionId, contentKey } = this.#options;
    return { sessionId, contentKey, writerKey };
  }
}
