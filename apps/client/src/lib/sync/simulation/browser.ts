import type { TabChannel } from '../tabs/ports.ts';
import { SimulatedLocks, type Enter } from '../tabs/simulation/locks.ts';
import type { VirtualClock } from './clock.ts';
import type { SeededRandom } from './random.ts';
import type { SimulatedTab } from './tab.ts';

interface Member {
  readonly tab: SimulatedTab;
  readonly receive: (message: unknown) => void;
  /** When the last message from each sender arrives: messages of one sender do not overtake each other. */
  readonly last: Map<SimulatedTab, number>;
}

/** What the tabs of one browser profile share beside the device: locks, and a way from tab to tab. */
export class SimulatedBrowser {
  readonly #clock: VirtualClock;
  readonly #random: SeededRandom;
  readonly #locks = new SimulatedLocks();
  /** How long it can take until a tab hears what has become of its locks, in milliseconds: two may lead for as long. */
  readonly #lockDelay: number;
  #members: Member[] = [];

  constructor(clock: VirtualClock, random: SeededRandom, lockDelay: number) {
    this.#clock = clock;
    this.#random = random;
    this.#lockDelay = lockDelay;
  }

  locksFor(tab: SimulatedTab) {
    const enter: Enter = (action) => {
      const delay = this.#random.chance(0.3) ? this.#lockDelay : 4;
      this.#clock.after(this.#random.between(0, delay), () => tab.enter(action));
    };
    return this.#locks.for(tab, enter);
  }

  join(tab: SimulatedTab, receive: (message: unknown) => void): TabChannel {
    const member = { tab, receive, last: new Map() };
    this.#members.push(member);
    return {
      post: (message) => this.#post(tab, message),
      close: () => {
        this.#members = this.#members.filter((other) => other !== member);
      },
    };
  }

  /** The tab has ended, with all that it held. */
  end(tab: SimulatedTab): void {
    this.#members = this.#members.filter((member) => member.tab !== tab);
    this.#locks.end(tab);
  }

  #post(from: SimulatedTab, message: unknown): void {
    if (from.isOver) return;
    for (const member of this.#members) {
      if (member.tab === from) continue;
      const data: unknown = structuredClone(message);
      const at = Math.max(this.#clock.now + this.#random.between(0, 6), member.last.get(from) ?? 0);
      member.last.set(from, at);
      this.#clock.after(at - this.#clock.now, () => {
        if (!this.#members.includes(member) || member.tab.losesMessages) return;
        member.tab.enter(() => member.receive(data));
      });
    }
  }
}
