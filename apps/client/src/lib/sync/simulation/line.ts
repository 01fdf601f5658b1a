import type { AppendAnswer, Log, SnapshotAnswer } from '@parley/signaling/mailbox';
import type { Caller } from '@parley/relay/mailbox';
import { MailboxRefusal, type MailboxTransport } from '../mailbox/ports.ts';
import type { NetworkPage, SimulatedNetwork } from './network.ts';
import type { SeededRandom } from './random.ts';
import { isProblem } from './relay.ts';

const TIME_OUT = 15_000;

const LIMITS: ReadonlySet<string> = new Set([
  'mailbox/quota-exceeded',
  'mailbox/too-fast',
  'relay/budget-spent',
]);

/** A leading tab's requests to the relay. It has another one each time it begins to lead. */
export class SimulatedLine implements MailboxTransport {
  readonly page: NetworkPage;
  /** The relay was found out by who holds it. */
  hasLied = false;
  readonly #caller: Caller;
  readonly #network: SimulatedNetwork;
  /** What refuses each request that is not answered yet. */
  readonly #underWay = new Set<() => void>();

  constructor(network: SimulatedNetwork, page: NetworkPage, caller: Caller) {
    this.#network = network;
    this.page = page;
    this.#caller = caller;
  }

  get #isBroken(): boolean {
    return this.page.holder.isCut || this.#network.isGone;
  }

  pull(after: number, epoch: string | null): Promise<Log> {
    return this.#ask(`pull ${after}`, async () => {
      const log = await this.page.holder.relay.pull(this.#caller, after, epoch);
      const lie = this.#network.lies.pull?.(log, this.#caller);
      if (!lie) return shorten(log, this.#network.random);
      this.#network.tampered.add(lie);
      return lie;
    });
  }

  append(envelopes: readonly Uint8Array<ArrayBuffer>[]): Promise<AppendAnswer> {
    return this.#ask(`append ${envelopes.length}`, async () => {
      const lie = this.#network.lies.append?.(envelopes, this);
      if (lie) return lie;
      const { relay } = this.page.holder;
      const { answer, frame } = await relay.append(this.#caller, [...envelopes]);
      this.#network.publish(relay, frame);
      return answer;
    });
  }

  putSnapshot(envelope: Uint8Array<ArrayBuffer>): Promise<SnapshotAnswer> {
    return this.#ask('snapshot', async () => {
      const { relay } = this.page.holder;
      const { answer, frame } = await relay.putSnapshot(this.#caller, envelope);
      this.#network.publish(relay, frame);
      return answer;
    });
  }

  giveUp(): void {
    for (const refuse of this.#underWay) refuse();
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
        this.#network.trace(`${this.page.name} ${what}: ${refusal.code}`);
        this.page.enter(() => reject(refusal));
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
              this.#network.trace(`${this.page.name} ${what}: ${describe(answer)}`);
              this.page.enter(() => {
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
