import type { Log } from '@parley/signaling/mailbox';
import { parseEnvelope } from '@parley/signaling/envelope';
import * as Y from 'yjs';
import {
  covers,
  decodeHoldings,
  holdingsOf,
  integratedBy,
  intersect,
  isNothing,
  subtract,
  unite,
} from '../holdings.ts';
import type { SimulatedLine } from './line.ts';
import type { SimulatedPerson } from './person.ts';
import type { SimulatedTab } from './tab.ts';
import { Truth } from './truth.ts';
import type { World } from './world.ts';
import { DEADLY, FORGED } from './writing.ts';

/** What a client does about an answer takes it some time, in milliseconds. */
const NOTICES_WITHIN = 2_000;

/** Looks on, and says which promise was broken first. */
export class Judge {
  readonly #world: World;
  readonly #truth: Truth;
  /** Tabs whose claims may be others than when they were looked at. */
  #shown = new Set<SimulatedTab>();
  #broken: Error | null = null;
  /** Those who must find out that the relay lied, if they go on. */
  readonly deceived = new Map<SimulatedPerson, SimulatedLine>();
  /** The first seq of an envelope that nobody understands, or can apply. */
  barrier = Infinity;
  /** Everything that was taken: an envelope's bytes. */
  readonly taken: Uint8Array<ArrayBuffer>[] = [];
  snapshots = 0;
  /** How often something was shown while two tabs led that both run. */
  doubles = 0;
  /** How often a tab was seen to say that all is on the relay, and that somebody has it all; those that follow, separately. */
  readonly claims = { relay: 0, having: 0, followers: 0 };

  constructor(world: World) {
    this.#world = world;
    this.#truth = new Truth(world.keys);
  }

  break(promise: string): void {
    this.#broken ??= new Error(promise);
  }

  get truth(): Truth {
    return this.#truth;
  }

  onShown(tab: SimulatedTab): void {
    this.#shown.add(tab);
  }

  onKept(person: SimulatedPerson, coverage: Uint8Array): void {
    if (!covers(holdingsOf(person.device.committed), decodeHoldings(coverage)))
      this.break(`[SY6] ${person.name} keeps a position that is ahead of the committed document`);
  }

  onDocument(tab: SimulatedTab): void {
    this.#shown.add(tab);
    if (tab.doc.getText('text').toJSON().includes(FORGED))
      this.break(`[SY8] ${tab.name} applied what was forged`);
  }

  onAwareness({ awareness, name: own, seen }: SimulatedTab): void {
    for (const [client, { name, viewer }] of awareness.getStates()) {
      if (name === FORGED && viewer !== true) this.break(`[SY21] ${own} takes a viewer for a writer`);
      const before = seen.get(client);
      if (name === FORGED && before !== undefined && before !== FORGED)
        this.break(`[SY21] somebody speaks for ${String(before)} to ${own}`);
    }
    seen.clear();
    for (const [client, { name }] of awareness.getStates()) seen.set(client, name);
  }

  /** [SY12] Nobody writes any more who knows of the end. */
  onWriting(line: SimulatedLine): void {
    const trouble = this.#tabAt(line)?.facts.mailbox.trouble;
    if (trouble === 'relay/deleted') this.break(`[SY12] ${line.page.name} goes on writing`);
  }

  /** [SY9] A head that is less than what was known when it was asked for has to be noticed at once. */
  onQuestion(line: SimulatedLine): (answer: unknown) => void {
    const { network, clock } = this.#world;
    const tab = this.#tabAt(line);
    const known = tab?.person.device.parts.log?.known;
    return (answer) => {
      if (!tab || !known || !isLog(answer) || network.tampered.has(answer)) return;
      const { epoch, head } = answer.header;
      if (known.epoch !== epoch || head >= known.seq) return;
      clock.after(NOTICES_WITHIN, () => {
        if (tab.isAwake && tab.line === line && !tab.isBroken && !line.hasLied)
          this.break(`[SY9] ${tab.name} did not notice a lesser head`);
      });
    };
  }

  /** [SY16] Once among others and three times alone; live, once. With another failure the suspicion may have to begin anew. */
  onDeath(person: SimulatedPerson, deadly: string, times: number): void {
    if (times > (this.#world.isLiveOnly(deadly) ? 1 : 4 * (1 + person.failedAmid)))
      this.break(`[SY16] ${person.name} dies of ${deadly} again`);
  }

  onTaken(bytes: Uint8Array<ArrayBuffer>): void {
    this.taken.push(bytes);
    if (this.#world.isDeleted) this.break('[SY12] somebody has written to a session that was deleted');
    const { header } = parseEnvelope(bytes);
    if (header.kind !== 'snapshot') return;
    this.snapshots += 1;
    if (header.covers >= this.barrier && this.#world.profile.honest)
      this.break('[SY14] somebody made a snapshot past what it did not understand');
  }

  /** What everybody is shown now, after all that follows from a step has happened. */
  async settle(): Promise<void> {
    if (this.#broken) throw this.#broken;
    for (const tab of this.#shown) {
      if (!tab.isAwake) continue;
      if (tab.person.tabs.filter(({ line, isAwake }) => line && isAwake).length > 1) this.doubles += 1;
      if (!tab.isBroken && tab.doc.getText('text').toJSON().includes(DEADLY))
        throw new Error(`[SY16] ${tab.name} was given what had broken the document of another`);
      await this.#checkRelay(tab);
      this.#checkHaving(tab);
    }
    this.#shown.clear();
  }

  /** [SY19] [TB9] Whoever is told that all is on the relay can leave, and it is there: all that this very tab holds. */
  async #checkRelay(tab: SimulatedTab): Promise<void> {
    const { person, facts, isBroken, doc, done, isFollowing } = tab;
    const { profile, isDeleted, relay } = this.#world;
    // Of a deletion one has to hear before one can say so.
    if (!facts.mailbox.onRelay || !profile.honest || isDeleted) return;
    this.claims.relay += 1;
    if (isFollowing) this.claims.followers += 1;
    const truth = await this.#truth.of(relay);
    // A viewer hands nothing on, and what a document holds that broke is thrown away.
    const held = person.role === 'writer' && !isBroken ? holdingsOf(doc) : done;
    if (!covers(truth, held)) throw new Error(`[SY19] ${tab.name} is told that all is on the relay`);
    person.acknowledged = unite(person.acknowledged, done);
  }

  /** [RC1] Whoever is said to have this device's last change has it, and all before it, as far as this tab knows of it. */
  #checkHaving(tab: SimulatedTab): void {
    const { person, facts, isBroken, doc } = tab;
    if (facts.having.length === 0 || isBroken) return;
    const deeds = intersect(person.done, integratedBy(doc));
    for (const id of facts.having) {
      const other = this.#world.people.find((candidate) => candidate.id === id);
      this.claims.having += 1;
      if (other && !covers(other.device.ever, deeds))
        throw new Error(`[RC1] ${tab.name} is told that ${id} has all`);
    }
  }

  #tabAt(line: SimulatedLine): SimulatedTab | undefined {
    return this.#world.people.flatMap(({ tabs }) => tabs).find((tab) => tab.line === line);
  }
}

/** Whether one shows all that the other does, and it all that this one does. */
export function areEqual(one: Y.Doc, other: Y.Doc): boolean {
  const [a, b] = [integratedBy(one), integratedBy(other)];
  return isNothing(subtract(a, b)) && isNothing(subtract(b, a));
}

/** What of a change no device survives. */
export const deadlyWords = (number: number) => `${DEADLY} ${number};`;

function isLog(answer: unknown): answer is Log {
  return typeof answer === 'object' && answer !== null && 'header' in answer;
}
