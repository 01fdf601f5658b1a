import { decodeBase64url } from '@parley/signaling/base64url';
import type { MailboxFrame } from '@parley/signaling/mailbox';
import type { HubConnection } from '../hub-socket.ts';
import type { NetworkPage, SimulatedNetwork } from './network.ts';

/** A frame of a client's. */
type Said =
  | { readonly type: 'subscribe' | 'unsubscribe'; readonly topics: readonly string[] }
  | { readonly type: 'live'; readonly topic: string; readonly envelope: string }
  | { readonly type: 'ping' };

/** A page's connection to the hub, which admits everybody to the one mailbox that there is; but that takes a moment. */
export class SimulatedSocket implements HubConnection {
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  readonly page: NetworkPage;
  readonly #network: SimulatedNetwork;
  #state: 'opening' | 'open' | 'over' = 'opening';
  /** Nothing gets through any more, and nobody is told so. */
  #isMute = false;
  #topic: string | null = null;
  /** When the last frame arrives, there and here: they arrive in their order. */
  #lastThere = 0;
  #lastHere = 0;

  constructor(network: SimulatedNetwork, page: NetworkPage) {
    this.#network = network;
    this.page = page;
    network.sockets.add(this);
    const { clock, random } = network;
    clock.after(random.between(30, 250), () => {
      if (this.#state !== 'opening') return;
      if (this.#isBroken) {
        this.lose();
        return;
      }
      this.#state = 'open';
      this.page.enter(() => this.onopen?.(new Event('open') as never));
    });
  }

  get #isBroken(): boolean {
    return this.page.holder.isCut || this.#network.isGone || this.#isMute;
  }

  send(frame: string): void {
    if (this.#state !== 'open' || this.#isBroken || this.page.isOver) return;
    const said = JSON.parse(frame) as Said;
    const { clock, random } = this.#network;
    if (said.type === 'live') {
      const envelope = decodeBase64url(said.envelope);
      if (this.#topic === said.topic && envelope) this.#network.pass(this, envelope);
      return;
    }
    this.#lastThere = Math.max(this.#lastThere, clock.now + random.between(2, 100));
    clock.after(this.#lastThere - clock.now, () => {
      if (said.type === 'subscribe') this.#topic = said.topics[0] ?? null;
      else if (said.type === 'unsubscribe') this.#topic = null;
      else this.#answer({ type: 'pong' }, true);
    });
  }

  /** The hub passes something on. */
  deliver(frame: MailboxFrame): void {
    const { random, faults } = this.#network;
    if (this.#topic === null || random.chance(faults.lostFrame)) return;
    const times = random.chance(faults.repeatedFrame) ? 2 : 1;
    for (let i = 0; i < times; i++) this.#answer({ ...frame, topic: this.#topic }, !faults.disorder);
  }

  /** Its page has closed it, or is gone. */
  close(): void {
    this.#state = 'over';
    this.#network.sockets.delete(this);
  }

  /** It breaks, and its page is told. */
  lose(): void {
    this.close();
    this.page.enter(() => this.onclose?.(new Event('close') as never));
  }

  /** It breaks, and nobody is told. */
  silence(): void {
    this.#isMute = true;
  }

  #answer(frame: object, isInOrder: boolean): void {
    const { clock, random } = this.#network;
    const arrival = clock.now + random.between(5, 300);
    this.#lastHere = isInOrder ? Math.max(arrival, this.#lastHere) : arrival;
    const data = JSON.stringify(frame);
    clock.after(this.#lastHere - clock.now, () => {
      if (this.#state !== 'open' || this.#isBroken) return;
      this.page.enter(() => this.onmessage?.({ data } as never));
    });
  }
}
