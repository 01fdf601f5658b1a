import { forge } from './forging.ts';
import { deadlyWords } from './judge.ts';
import { LIES, tamper } from './lies.ts';
import { callerOf, type SimulatedRelay } from './relay.ts';
import { seal } from './sealing.ts';
import type { World } from './world.ts';
import { FORGED, writing } from './writing.ts';

/** So many deadly changes there are at most: each costs everybody some time. */
const DEADLY_CHANGES = 3;

/** Between two times that the same deadly change is sent live, in milliseconds. */
const DEADLY_EVERY = 2_000;

/** What bad relays, and bad or newer holders of a link, do to everybody. */
export class Adversary {
  readonly #world: World;
  #deadly = 0;
  /** The deadly changes that came live only. */
  readonly live = new Set<string>();

  constructor(world: World) {
    this.#world = world;
  }

  /** The relay goes back to an earlier state. */
  async rollBack(): Promise<void> {
    const world = this.#world;
    const before = world.relay;
    world.useRelay(await before.fork(world.random.below(before.writes + 1)));
    await this.#markDeceived(world.relay);
  }

  /** Half of the people are told another story; or, the next time, all the same again. */
  async fork(): Promise<void> {
    const world = this.#world;
    world.otherRelay = world.otherRelay ? null : await world.relay.fork(world.relay.writes);
  }

  async lie(): Promise<void> {
    const { random, people, network, judge, keys, trace } = this.#world;
    const lie = random.pick(LIES);
    trace(`  ${lie}`);
    if (lie === 'fake ack') {
      const known = people.flatMap(({ device }) => device.parts.log?.known ?? [])[0];
      if (!known) return;
      network.lies = {
        append: (envelopes, line) => {
          const head = known.seq + envelopes.length;
          const person = people.find(({ leader }) => leader?.line === line);
          if (person) judge.deceived.set(person, line);
          return { epoch: known.epoch, head, seqs: envelopes.map((_, index) => known.seq + 1 + index) };
        },
      };
      return;
    }
    const forged = await seal(keys, random, 'reader', { kind: 'update' }, writing(FORGED));
    const { taken } = judge;
    const { overheard } = network;
    network.lies = { pull: (log) => tamper(log, lie, { random, taken, overheard, forged }) };
  }

  async forge(): Promise<void> {
    const { random, keys, network, clock, judge, people } = this.#world;
    const tabs = random.pick(people).tabs;
    const victim = tabs.length > 0 ? random.pick(tabs).doc.clientID : 7;
    const { taken } = judge;
    const scene = { random, keys, victim, now: clock.now, taken, overheard: network.overheard };
    const forged = await forge(scene);
    if (forged) network.pass(null, forged);
  }

  /** Writes what nobody understands, or can apply. */
  async bar(kind: Parameters<typeof seal>[3], content: Uint8Array<ArrayBuffer>): Promise<void> {
    const { keys, random, judge } = this.#world;
    const seq = await this.#append(await seal(keys, random, 'writer', kind, content));
    judge.barrier = Math.min(judge.barrier, seq);
  }

  async deadly(): Promise<void> {
    if (this.#deadly < DEADLY_CHANGES) await this.bar({ kind: 'update' }, this.#nextDeadly());
  }

  async deadlyLive(): Promise<void> {
    if (this.#deadly >= DEADLY_CHANGES) return;
    const { keys, random, clock, network } = this.#world;
    const sealed = await seal(keys, random, 'writer', { kind: 'update' }, this.#nextDeadly());
    this.live.add(deadlyWords(this.#deadly));
    for (let times = 0; times < 6; times++)
      clock.after(times * DEADLY_EVERY, () => network.pass(null, sealed));
  }

  limit(): void {
    const { random, relay } = this.#world;
    const { limits } = relay;
    switch (random.below(3)) {
      case 0:
        limits.sessionBytes = 500 + random.below(4_000);
        return;
      case 1:
        limits.sessionEnvelopesPerMinute = 1 + random.below(3);
        return;
      default:
        limits.dailyRows = 1;
    }
  }

  async delete(): Promise<void> {
    const world = this.#world;
    if (world.isDeleted) return;
    const { keys, random } = world;
    await this.#append(await seal(keys, random, 'writer', { kind: 'tombstone' }, new Uint8Array()));
    world.isDeleted = true;
  }

  #nextDeadly(): Uint8Array<ArrayBuffer> {
    this.#deadly += 1;
    return writing(deadlyWords(this.#deadly), 1 + this.#world.random.below(2 ** 31));
  }

  /** Whatever else happens, somebody else's append gets there. */
  async #append(envelope: Uint8Array<ArrayBuffer>): Promise<number> {
    const { relay, network } = this.#world;
    const { answer, frame } = await relay.withoutFailures(() => relay.append(this.#caller, [envelope]));
    network.publish(relay, frame);
    return answer.head;
  }

  /** Whoever has read further than this relay goes has to notice. */
  async #markDeceived(relay: SimulatedRelay): Promise<void> {
    const { people, judge, trace } = this.#world;
    try {
      const { header } = await relay.withoutFailures(() => relay.pull(this.#caller, 0, null));
      for (const person of people) {
        const known = person.device.parts.log?.known;
        if (person.leader?.line && known?.epoch === header.epoch && known.seq > header.head)
          judge.deceived.set(person, person.leader.line);
      }
    } catch (error) {
      trace(`the log is gone: ${String(error)}`);
    }
  }

  get #caller() {
    const { sessionId, writer, view } = this.#world.keys;
    return callerOf(sessionId, 'writer', writer.publicKey, view.reader.publicKey);
  }
}
