import { DurableObject, RpcTarget } from 'cloudflare:workers';
import type { Env } from '../env.ts';

/** What somebody who comes with a question is told. */
export type Entrance =
  /** The answer, sealed. `waited`: it came while the call waited for it. */
  | { readonly state: 'hit'; readonly sealed: Uint8Array<ArrayBuffer>; readonly waited: boolean }
  /** There is none: go and get it. */
  | { readonly state: 'lead'; readonly lead: Lead }
  /** Who was getting it has none, or took too long: enter again, and lead unless somebody else was sooner. */
  | { readonly state: 'again' };

/** An answer that is kept, and until when, in milliseconds since 1970. */
interface Kept {
  readonly index: string;
  readonly until: number;
}

/** Somebody is getting the answer to a question. */
interface Line {
  readonly lead: Lead;
  /** Those who wait for it. */
  readonly waiting: ((entrance: Entrance) => void)[];
  readonly lapse: ReturnType<typeof setTimeout>;
}

/** For how long others wait for the one who leads, in milliseconds. */
const LEASE = 150_000;

/** How many wait for the same answer. More of them do not wait. */
const WAITING = 32;

/** How many answers are kept, how large one may be, sealed and in bytes, and for how many milliseconds it is kept. */
const KEPT = 64;
const KEPT_BYTES = 256_000;
const KEPT_FOR = 600_000;

/** The key under which the list of what is kept is stored, the oldest first. An index has 43 characters. */
const LIST = 'kept';

/**
 * The answers that one session has got a while ago, and those that it is getting ([LLM17]). It knows them by index and sealed.
 * What it keeps survives its end; who waits does not, and gets the answer without it.
 */
export class LlmCache extends DurableObject<Env> {
  readonly #lines = new Map<string, Line>();
  readonly #lease: number;

  /** @param lease for tests; the runtime gives none */
  constructor(ctx: DurableObjectState, env: Env, lease = LEASE) {
    super(ctx, env);
    this.#lease = lease;
  }

  /** Waits while somebody else is getting the answer; whoever is to get it holds a lead that has to be disposed of. */
  async enter(index: string): Promise<Entrance> {
    const isKept = this.#list().some((kept) => kept.index === index && kept.until > Date.now());
    const sealed = isKept ? this.ctx.storage.kv.get<Uint8Array<ArrayBuffer>>(index) : undefined;
    if (sealed) return { state: 'hit', sealed, waited: false };
    const line = this.#lines.get(index);
    if (line && line.waiting.length < WAITING) {
      return await new Promise((resolve) => line.waiting.push(resolve));
    }
    const lead = new Lead(
      (answer) => this.#answer(index, answer),
      () => this.#giveUp(index, lead),
    );
    if (!line) {
      const lapse = setTimeout(() => this.#giveUp(index, lead), this.#lease);
      this.#lines.set(index, { lead, waiting: [], lapse });
    }
    return { state: 'lead', lead };
  }

  override async alarm(): Promise<void> {
    const list = this.#list();
    const left = list.filter(({ until }) => until > Date.now());
    await this.#replace(list, left);
  }

  /** Whoever brings an answer brings it for all who wait, also late, or without having led them. */
  async #answer(index: string, sealed: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#close(index, { state: 'hit', sealed, waited: true });
    if (sealed.length > KEPT_BYTES) return;
    const list = this.#list();
    const others = list.filter((kept) => kept.index !== index).slice(1 - KEPT);
    this.ctx.storage.kv.put(index, sealed);
    await this.#replace(list, [...others, { index, until: Date.now() + KEPT_FOR }]);
  }

  #giveUp(index: string, lead: Lead): void {
    if (this.#lines.get(index)?.lead === lead) this.#close(index, { state: 'again' });
  }

  #close(index: string, entrance: Entrance): void {
    const line = this.#lines.get(index);
    if (!line) return;
    clearTimeout(line.lapse);
    this.#lines.delete(index);
    for (const resolve of line.waiting) resolve(entrance);
  }

  #list(): readonly Kept[] {
    return this.ctx.storage.kv.get<readonly Kept[]>(LIST) ?? [];
  }

  /** Deletes what is not kept any more, and says when to look again. An object that keeps nothing has no storage at all. */
  async #replace(old: readonly Kept[], kept: readonly Kept[]): Promise<void> {
    const [oldest] = kept;
    if (!oldest) return await this.ctx.storage.deleteAll();
    for (const { index } of old) {
      if (!kept.some((other) => other.index === index)) this.ctx.storage.kv.delete(index);
    }
    this.ctx.storage.kv.put(LIST, kept);
    await this.ctx.storage.setAlarm(oldest.until);
  }
}

/** The task of getting an answer that others may wait for. It ends when it is disposed of, or with the call that holds it. */
export class Lead extends RpcTarget {
  readonly #bring: (sealed: Uint8Array<ArrayBuffer>) => Promise<void>;
  readonly #end: () => void;

  constructor(bring: (sealed: Uint8Array<ArrayBuffer>) => Promise<void>, end: () => void) {
    super();
    this.#bring = bring;
    this.#end = end;
  }

  bring(sealed: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.#bring(sealed);
  }

  [Symbol.dispose](): void {
    this.#end();
  }
}
