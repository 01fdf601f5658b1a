import { encodeBase64url } from '@parley/signaling/base64url';
import type { AppendAnswer, Log, SnapshotAnswer } from '@parley/signaling/mailbox';
import type { Caller } from '@parley/relay/mailbox';
import {
  MailboxRefusal,
  type ChannelListener,
  type MailboxChannel,
  type MailboxTransport,
} from '../mailbox/ports.ts';
import type { VirtualClock } from './clock.ts';
import type { Page } from './device.ts';
import type { SeededRandom } from './random.ts';
import { isProblem, type RelayFrame, type SimulatedRelay } from './relay.ts';

/** How often what goes wrong: probabilities. */
export interface NetworkFaults {
  lostRequest: number;
  lostAnswer: number;
  repeatedRequest: number;
  lostFrame: number;
  repeatedFrame: number;
  /** Frames overtake one another. */
  disorder: boolean;
}

export const NO_FAULTS: NetworkFaults = {
  lostRequest: 0,
  lostAnswer: 0,
  repeatedRequest: 0,
  lostFrame: 0,
  repeatedFrame: 0,
  disorder: false,
};

const TIME_OUT = 15_000;

const LIMITS: ReadonlySet<string> = new Set([
  'mailbox/quota-exceeded',
  'mailbox/too-fast',
  'relay/budget-spent',
]);

/** What a relay that lies makes of its answers. */
export interface Lies {
  pull?(log: Log, caller: Caller): Log;
  append?(envelopes: readonly Uint8Array<ArrayBuffer>[], line: SimulatedLine): AppendAnswer | null;
}

/** Whose line it is. */
interface LineHolder {
  readonly name: string;
  /** Nothing gets through. */
  readonly isCut: boolean;
}

/** A leading tab's ways to the relay. */
export class SimulatedLine {
  readonly holder: LineHolder;
  readonly name: string;
  readonly caller: Caller;
  readonly #network: SimulatedNetwork;
  readonly #page: Page;
  isDead = false;
  relay: SimulatedRelay;
  #listener: ChannelListener | null = null;
  #isUp = false;
  #lastArrival = 0;
  /** What refuses each request that is not answered yet. */
  readonly #underWay = new Set<() => void>();

  constructor(
    network: SimulatedNetwork,
    holder: LineHolder,
    page: Page & { readonly name: string },
    caller: Caller,
    relay: SimulatedRelay,
  ) {
    this.#network = network;
    this.holder = holder;
    this.#page = page;
    this.name = page.name;
    this.caller = caller;
    this.relay = relay;
  }

  get #isBroken(): boolean {
    return this.holder.isCut || this.#network.isGone;
  }

  readonly transport: MailboxTransport = {
    pull: (after, epoch) =>
      this.#ask(`pull ${after}`, async () => {
        const log = await this.relay.pull(this.caller, after, epoch);
        const lie = this.#network.lies.pull?.(log, this.caller);
        if (!lie) return shorten(log, this.#network.random);
        this.#network.tampered.add(lie);
        return lie;
      }),
    append: (envelopes) =>
      this.#ask(`append ${envelopes.length}`, async (): Promise<AppendAnswer> => {
        const lie = this.#network.lies.append?.(envelopes, this);
        if (lie) return lie;
        const { answer, frame } = await this.relay.append(this.caller, [...envelopes]);
        this.#network.publish(this.relay, frame);
        return answer;
      }),
    putSnapshot: (envelope) =>
      this.#ask('snapshot', async (): Promise<SnapshotAnswer> => {
        const { answer, frame } = await this.relay.putSnapshot(this.caller, envelope);
        this.#network.publish(this.relay, frame);
        return answer;
      }),
    giveUp: () => {
      for (const refuse of this.#underWay) refuse();
    },
  };

  readonly openChannel = (listener: ChannelListener): MailboxChannel => {
    this.#listener = listener;
    this.connect();
    return {
      send: (envelope) => {
        if (this.#isUp && !this.#isBroken) this.#network.pass(this, envelope);
      },
      close: () => this.disconnect(true),
    };
  };

  connect(): void {
    const { clock, random } = this.#network;
    clock.after(random.between(50, 400), () => {
      if (this.isDead || this.#isUp) return;
      this.#isUp = !this.#isBroken;
      const isUp = this.#isUp;
      this.#page.enter(() => (isUp ? this.#listener?.up() : this.#listener?.down()));
    });
  }

  disconnect(forGood = false): void {
    if (this.#isUp) {
      this.#isUp = false;
      if (!forGood && !this.isDead) this.#page.enter(() => this.#listener?.down());
    }
    if (forGood) this.#listener = null;
  }

  /** Nobody is at this end any more. */
  die(): void {
    this.isDead = true;
    this.#isUp = false;
    this.#listener = null;
  }

  deliver(frame: Parameters<ChannelListener['frame']>[0]): void {
    const { clock, random, faults } = this.#network;
    if (!this.#isUp || random.chance(faults.lostFrame)) return;
    const times = random.chance(faults.repeatedFrame) ? 2 : 1;
    for (let i = 0; i < times; i++) {
      const arrival = clock.now + random.between(5, 300);
      this.#lastArrival = faults.disorder ? arrival : Math.max(arrival, this.#lastArrival);
      clock.after(this.#lastArrival - clock.now, () => {
        if (this.#isUp && !this.#isBroken) this.#page.enter(() => this.#listener?.frame(frame));
      });
    }
  }

  #ask<Answer>(what: string, perform: () => Promise<Answer>): Promise<Answer> {
    const { clock, random, faults } = this.#network;
    this.#network.requests += 1;
    if (!what.startsWith('pull')) this.#network.onWriting(this);
    const onAnswer = this.#network.onQuestion(this);
    const sent = !this.#isBroken && !random.chance(faults.lostRequest);
    const repeated = sent && random.chance(faults.repeatedRequest);
    const comesBack = sent && !random.chance(faults.lostAnswer);
    return new Promise((resolve, reject) => {
      const refuse = (refusal: MailboxRefusal) => {
        if (!this.#underWay.delete(giveUp)) return;
        this.#network.trace(`${this.name} ${what}: ${refusal.code}`);
        if (!this.isDead) this.#page.enter(() => reject(refusal));
      };
      const giveUp = () => refuse(new MailboxRefusal('relay/unreachable'));
      this.#underWay.add(giveUp);
      if (!sent || !comesBack) clock.after(this.#isBroken ? 5 : TIME_OUT, giveUp);
      if (!sent) return;
      const arrive = async (isAnswered: boolean) => {
        try {
          const answer = await perform();
          if (isAnswered) {
            clock.after(random.between(5, 200), () => {
              if (!this.#underWay.delete(giveUp)) return;
              this.#network.trace(`${this.name} ${what}: ${describe(answer)}`);
              this.#page.enter(() => {
                if (this.isDead) return;
                onAnswer(answer);
                resolve(answer);
              });
            });
          }
        } catch (error) {
          if (!isProblem(error)) throw error;
          const { code, retryAfter } = error;
          if (LIMITS.has(code)) this.#network.limited += 1;
          const refusal = new MailboxRefusal(code, retryAfter === null ? null : retryAfter * 1_000);
          if (isAnswered) clock.after(random.between(5, 200), () => refuse(refusal));
        }
      };
      clock.after(random.between(5, 200), () => arrive(comesBack));
      if (repeated) clock.after(random.between(5, 3_000), () => arrive(false));
    });
  }
}

/** What the lines have in common. */
export class SimulatedNetwork {
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  faults: NetworkFaults = { ...NO_FAULTS };
  lies: Lies = {};
  /** Nobody reaches the relay. */
  isGone = false;
  requests = 0;
  /** Requests that a quota or a budget refused. */
  limited = 0;
  /** Told about every request that would change the log. */
  onWriting: (line: SimulatedLine) => void = () => undefined;
  /** Answers that were changed on their way. */
  readonly tampered = new WeakSet<Log>();
  /** Told about every question; what it gives is told about its answer, just before that arrives. */
  onQuestion: (line: SimulatedLine) => (answer: unknown) => void = () => () => undefined;
  readonly lines = new Set<SimulatedLine>();
  readonly trace: (line: string) => void;
  /** Live envelopes that went by, for a viewer to send again. */
  readonly overheard: Uint8Array<ArrayBuffer>[] = [];

  constructor(clock: VirtualClock, random: SeededRandom, trace: (line: string) => void) {
    this.clock = clock;
    this.random = random;
    this.trace = trace;
  }

  publish(relay: SimulatedRelay, frame: RelayFrame): void {
    for (const line of this.lines) if (line.relay === relay) line.deliver(frame);
  }

  /** Passes a live envelope to all others. */
  pass(from: SimulatedLine | null, envelope: Uint8Array<ArrayBuffer>): void {
    this.overheard.push(envelope);
    for (const line of this.lines) {
      if (line === from) continue;
      line.deliver({ type: 'live', topic: '', envelope: encodeBase64url(envelope) });
    }
  }
}

/** Answers are of bounded size ([MB8]): now and then these bounds are narrow. */
function shorten(log: Log, random: SeededRandom): Log {
  const covered = log.snapshot ? (log.header.current?.covers ?? 0) : 0;
  const hashes = log.entries.filter(({ seq }) => seq <= covered).length;
  if (log.entries.length - hashes < 2 || !random.chance(0.3)) return log;
  const count = hashes + 1 + random.below(log.entries.length - hashes - 1);
  return {
    ...log,
    header: { ...log.header, entries: log.header.entries.slice(0, count) },
    entries: log.entries.slice(0, count),
  };
}

function describe(answer: unknown): string {
  if (typeof answer !== 'object' || answer === null) return '';
  if ('seqs' in answer) return `seqs ${String(answer.seqs)}`;
  if ('entries' in answer && Array.isArray(answer.entries) && 'header' in answer) {
    const { epoch, head, first } = answer.header as Log['header'];
    return `${epoch.slice(0, 4)} head ${head}, ${answer.entries.length} from ${first}`;
  }
  return 'done';
}
