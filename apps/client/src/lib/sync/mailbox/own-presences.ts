import type { Awareness } from 'y-protocols/awareness';
import type { Surroundings } from '../surroundings.ts';
import { writePresence, type Extras } from './presence.ts';

/** How long a presence lasts, in milliseconds. */
export const PRESENCE_LASTS = 60_000;

/** A tab of this device. */
export interface OwnClient {
  /** By which its state is known in the awareness. */
  readonly client: number;
  /** By which its presence is known to others: 16 random bytes, base64url, the same for as long as the tab lives. */
  readonly sender: string;
}

/** What the header of a presence says of its sender ([EN7]). */
interface SenderHeader {
  readonly sender: string;
  readonly counter: number;
  readonly expires: number;
}

export interface OwnPresencesOptions {
  readonly awareness: Awareness;
  readonly surroundings: Pick<Surroundings, 'now'>;
  /** The tabs to speak for, this one first. */
  clients(): readonly OwnClient[];
  extras(): Extras | null;
  seal(header: SenderHeader, content: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
}

interface Own {
  readonly sender: string;
  counter: number;
  /** What was said last; '' before the first time. */
  said: string;
  /** What takes the last presence back, sealed along with it: a page that goes away has no time for that. */
  goodbye: Uint8Array<ArrayBuffer> | null;
}

/** The presence of this device's tabs, each with a sender and a counter of its own ([SY21]). */
export class OwnPresences {
  readonly #options: OwnPresencesOptions;
  readonly #own = new Map<number, Own>();
  /** Nobody was asked yet who is there: those who know these tabs through another one would say nothing. */
  #owesQuestion = true;

  constructor(options: OwnPresencesOptions) {
    this.#options = options;
    this.takeLeavers();
  }

  isOwn(client: number): boolean {
    return this.#own.has(client);
  }

  isSender(sender: string): boolean {
    return [...this.#own.values()].some((own) => own.sender === sender);
  }

  /** Looks which tabs there are now, and answers with the goodbyes of those that are there no more. */
  takeLeavers(): readonly Uint8Array<ArrayBuffer>[] {
    const clients = this.#options.clients();
    const goodbyes: Uint8Array<ArrayBuffer>[] = [];
    for (const [client, { sender, goodbye }] of this.#own) {
      if (clients.some((one) => one.client === client && one.sender === sender)) continue;
      this.#own.delete(client);
      if (goodbye) goodbyes.push(goodbye);
    }
    for (const { client, sender } of clients) {
      if (!this.#own.has(client)) this.#own.set(client, { sender, counter: 0, said: '', goodbye: null });
    }
    return goodbyes;
  }

  /** The goodbye of this tab, once: its presence may be said again. */
  takeGoodbye(): Uint8Array<ArrayBuffer> | null {
    const own = this.#own.get(this.#options.awareness.clientID);
    const goodbye = own?.goodbye ?? null;
    if (own) own.goodbye = null;
    return goodbye;
  }

  /** Whether a tab has something to say that was not said yet. */
  get hasNews(): boolean {
    return [...this.#own].some(([client, { said }]) => textOf(this.#stateOf(client)) !== said);
  }

  /** Seals what is new, or all; what goes along goes with the presence of this tab. `keep` is to be called once it is sent. */
  async seal(
    isForAll: boolean,
  ): Promise<readonly { readonly presence: Uint8Array<ArrayBuffer>; keep(): void }[]> {
    const { awareness, extras } = this.#options;
    const due = [...this.#own].map(([client, own]) => {
      const state = this.#stateOf(client);
      const isThis = client === awareness.clientID;
      const along = state && isThis ? extras() : null;
      const isSilent = !awareness.meta.has(client) || (state === null && own.said === '');
      if (isSilent || !(isForAll || along || textOf(state) !== own.said)) return null;
      const asks = state && isThis && this.#owesQuestion && { asks: true as const };
      own.said = textOf(state);
      return Promise.all([
        this.#seal(own, writePresence(awareness, client, state, { ...along, ...asks })),
        state && this.#seal(own, writePresence(awareness, client, null, null)),
      ]).then(([presence, goodbye]) => {
        const keep = () => {
          own.goodbye = goodbye;
          if (asks) this.#owesQuestion = false;
        };
        return { presence, keep };
      });
    });
    return (await Promise.all(due)).filter((sealed) => sealed !== null);
  }

  #stateOf(client: number): Record<string, unknown> | null {
    return this.#options.awareness.getStates().get(client) ?? null;
  }

  #seal(own: Own, content: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    const now = this.#options.surroundings.now();
    // Another tab may go on counting where this one stops, and by the clock it is ahead.
    own.counter = Math.max(own.counter + 1, Math.floor(now));
    const { sender, counter } = own;
    return this.#options.seal({ sender, counter, expires: now + PRESENCE_LASTS }, content);
  }
}

/** A state without what is told in another way: where it sees the mailbox is in the header of all that it sends. */
function textOf(state: Record<string, unknown> | null): string {
  return JSON.stringify(state && { ...state, mailbox: undefined });
}
