import { encodeBase64url } from '@parley/signaling/base64url';
import {
  ENVELOPE_VERSION,
  EnvelopeError,
  hashEnvelope,
  sealEnvelope,
  type EnvelopeHeader,
  type Position,
} from '@parley/signaling/envelope';
import * as Y from 'yjs';
import type { Surroundings } from '../surroundings.ts';
import type { Entry, MailboxEffect } from './engine.ts';
import { extractUpdate, holdingsOfUpdate, type Holdings } from '../holdings.ts';

export interface SealingOptions {
  readonly sessionId: string;
  readonly doc: Y.Doc;
  readonly keys: { readonly contentKey: CryptoKey; readonly signingKey: CryptoKey };
  readonly surroundings: Pick<Surroundings, 'randomBytes'>;
  seen(): Position | null;
}

/** Seals what the document has for the mailbox. */
export class Sealing {
  readonly #options: SealingOptions;

  constructor(options: SealingOptions) {
    this.#options = options;
  }

  /** What the document has of `wanted`, sealed; null where that is nothing, or too much for one envelope. */
  async sealUpdate(wanted: Holdings): Promise<{ entry: Entry | null; isTooLarge: boolean }> {
    const update = extractUpdate(this.#options.doc, wanted);
    const bytes = update && (await this.#seal({ ...this.#header(), kind: 'update' }, update));
    if (!update || !bytes) return { entry: null, isTooLarge: update !== null };
    const entry = { hash: await hashEnvelope(bytes), bytes, holdings: holdingsOfUpdate(update) };
    return { entry, isTooLarge: false };
  }

  /** An update, sealed for the log; null where it is too large. */
  sealAhead(update: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer> | null> {
    return this.#seal({ ...this.#header(), kind: 'update' }, update);
  }

  /** The whole document, sealed; or how many bytes it has, if half of it is more than `worth`, and Infinity if it is too large. */
  async sealSnapshot({
    prev,
    covers,
    chain,
    worth,
  }: Extract<MailboxEffect, { type: 'compact' }>): Promise<
    { id: string; bytes: Uint8Array<ArrayBuffer> } | number
  > {
    const update = Uint8Array.from(Y.encodeStateAsUpdateV2(this.#options.doc));
    if (update.length / 2 > worth) return update.length;
    const header = { ...this.#header(), kind: 'snapshot' as const, prev, covers, chain };
    const bytes = await this.#seal(header, update);
    return bytes ? { id: header.id, bytes } : Infinity;
  }

  #header() {
    const { sessionId, surroundings, seen } = this.#options;
    const id = encodeBase64url(surroundings.randomBytes(16));
    return { version: ENVELOPE_VERSION, sessionId, id, seen: seen() };
  }

  /** Null for what is larger than an envelope can be. */
  async #seal(
    header: EnvelopeHeader,
    content: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer> | null> {
    const { keys, surroundings } = this.#options;
    try {
      return await sealEnvelope(header, content, keys, surroundings.randomBytes(12));
    } catch (error) {
      if (error instanceof EnvelopeError && error.code === 'envelope/too-large') return null;
      throw error;
    }
  }
}
