import * as Y from 'yjs';
import { covers, holdingsOf, integratedBy, isNothing, subtract, waitingIn } from '../holdings.ts';
import { act } from './acting.ts';
import { areEqual } from './judge.ts';
import { NO_FAULTS } from './network.ts';
import type { SimulatedPerson } from './person.ts';
import type { World } from './world.ts';
import type { SimulatedTab } from './tab.ts';
import { contentOf, FORGED, writeSomething } from './writing.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

/** After so long nobody may say any more that the relay is there: a pause of 8 seconds, and a request that hangs for 15. */
const OUTAGE = 30 * SECOND;

/** After so long what was done here is on the relay: two seconds from one append to the next, and its way there. */
const SOON = 3_500;

/** After so long who hears the relay no more has noticed, and was given by others what it missed. */
const PASSED_ON = 45 * SECOND;

/** A document that nobody has written. */
const EMPTY = new Y.Doc();

/** After so long everybody has noticed which connections have ended, and what was lost with them has come another way. */
const CONVERGENCE = 30 * SECOND;

/** How a simulation ends: the relay is gone for a while, then all is well, everything comes to rest, and is looked at. */
export class Ending {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** @returns whether what the relay has waits for nothing that it has not */
  async play(): Promise<boolean> {
    const { clock, network, judge } = this.#world;
    for (const { tabs } of this.#world.people) for (const tab of tabs) tab.thaw();
    await this.#outage();
    await this.#meshAlone();
    this.#heal();
    if (network.limited > 0) clock.sleep(DAY);
    await this.#quieten();
    for (const [person, line] of judge.deceived) {
      if (person.leader?.line === line && !line.hasLied)
        throw new Error(`[SY9] ${person.name} did not notice the lie`);
    }
    if (this.#world.isDeleted) {
      await this.#checkDeleted();
      return true;
    }
    await this.#checkTabs();
    await this.#checkPrompt();
    return this.#check();
  }

  /** [SY23] The relay is gone, and whoever is there is told so in time, also who does nothing. */
  async #outage(): Promise<void> {
    const { network, people, trace } = this.#world;
    trace('— outage');
    network.isGone = true;
    network.disconnect();
    const lines = new Map(people.map((person) => [person, person.leader?.line]));
    await this.#world.run(OUTAGE);
    for (const person of people) {
      // Whose device says that it is offline is told that.
      if (person.isOffline) continue;
      // Who has just begun to lead has its own time to find out.
      const { leader } = person;
      if (!leader || leader.isBroken || lines.get(person) !== leader.line) continue;
      const { state, trouble, unreachableSince } = leader.facts.mailbox;
      // Whom the relay has asked to wait waits, and what is known of the end or the key is known.
      const isExcused =
        trouble === 'relay/deleted' || trouble === 'relay/budget-spent' || state === 'unknown';
      if (unreachableSince === null && !isExcused)
        throw new Error(
          `[SY23] ${person.name} is told that the relay is there: ${JSON.stringify(leader.facts.mailbox)}`,
        );
    }
  }

  /** [ME11] Without the relay, whoever is connected, be it through others, has the same after a while. */
  async #meshAlone(): Promise<void> {
    const { random, profile, mesh, people } = this.#world;
    if (!profile.keepsMesh) return;
    for (const person of people) person.mesh = 0;
    for (const action of ['part', 'edit', 'edit', 'part', 'edit', 'kill tab', 'edit', 'edit'] as const) {
      await act(this.#world, action);
      await this.#world.run(random.between(0, 3 * SECOND));
    }
    await this.#world.run(CONVERGENCE);
    for (const [one, other] of mesh.connected) {
      if (!areEqual(one.options.doc, other.options.doc))
        throw new Error(
          `[ME11] ${one.page.name} and ${other.page.name} are connected, and have not the same`,
        );
    }
  }

  /** All is well again; where there is no mesh, what arrives now has come through the mailbox. */
  #heal(): void {
    const world = this.#world;
    world.trace('— heal');
    world.network.faults = { ...NO_FAULTS };
    world.network.lies = {};
    world.network.isGone = false;
    world.relay.failing = 0;
    world.relay.lift();
    world.otherRelay = null;
    world.mesh.delay = 80;
    const keepsMesh = world.profile.keepsMesh && world.random.chance(0.5);
    for (const person of world.people) {
      if (!keepsMesh) person.mesh = -1;
      person.failsAmid = null;
      Object.assign(person.device.faults, { failing: 0, isFull: false });
      person.isCut = false;
      person.isOffline = false;
      person.open();
      if (person.relayOnly && world.random.chance(0.7)) person.reachThroughRelayOnly(false);
    }
    world.network.disconnect();
    for (const { tabs } of world.people) for (const tab of tabs) tab.emit('online');
    world.mesh.change();
  }

  /** [SY7] It comes to an end. */
  async #quieten(): Promise<void> {
    const { network, people } = this.#world;
    for (let i = 0; i < 80; i++) {
      await this.#world.run(15 * SECOND);
      const { requests } = network;
      if (!people.every((person) => this.#isDone(person))) continue;
      await this.#world.run(2 * MINUTE);
      if (network.requests === requests) return;
    }
    const states = people.map(({ name, leader }) => `${name} ${JSON.stringify(leader?.facts.mailbox)}`);
    throw new Error(`[SY7] it does not end: ${states.join('; ')}`);
  }

  #isDone({ leader, role }: SimulatedPerson): boolean {
    if (!leader) return false;
    const { state, trouble, onRelay } = leader.facts.mailbox;
    if (this.#world.isDeleted) return trouble === 'relay/deleted';
    const isCurrent = state === 'current' || (role === 'reader' && state === 'unknown');
    return isCurrent && (role === 'reader' || onRelay);
  }

  /** [SY12] Everybody has been told, and whoever comes now is, too. */
  async #checkDeleted(): Promise<void> {
    const { people } = this.#world;
    this.#world.join('newcomer', 'writer');
    this.#world.join('late viewer', 'reader');
    await this.#world.run(MINUTE);
    for (const person of people) {
      if (!this.#isDone(person)) throw new Error(`[SY12] ${person.name} is not told of the end`);
      if (person.leader?.facts.mailbox.onRelay)
        throw new Error(`[SY19] ${person.name} is told that something is kept`);
    }
  }

  /** [SY21] [TB8] All tabs of all who are there are present to everybody, and no tab that has ended is. */
  #checkPresence({ name, awareness }: SimulatedTab, present: readonly SimulatedPerson[]): void {
    const states = awareness.getStates();
    for (const { tabs } of present)
      for (const { doc, name: other } of tabs)
        if (!states.has(doc.clientID)) throw new Error(`[SY21] ${name} does not see ${other}`);
    const alive = new Set(this.#world.people.flatMap(({ tabs }) => tabs.map(({ doc }) => doc.clientID)));
    for (const [client, state] of states)
      if (!alive.has(client) && state['name'] !== FORGED)
        throw new Error(`[SY21] ${name} still sees a tab of ${String(state['name'])} that has ended`);
  }

  /** [SY3] What is done on a device is on the relay soon, in whichever tab; what merely arrived there waits longer. */
  async #checkPrompt(): Promise<void> {
    const { people, relay, judge } = this.#world;
    const [person] = people;
    const tab = person && someTab(person);
    if (!tab) return;
    writeSomething(tab.doc, person.name);
    await this.#world.run(SOON);
    if (!covers(await judge.truth.of(relay), tab.done))
      throw new Error(`[SY3] what was done in ${tab.name} is not on the relay`);
  }

  async #check(): Promise<boolean> {
    const { people, relay, judge } = this.#world;
    const truth = await judge.truth.of(relay);
    for (const { name, acknowledged } of people) {
      if (!isNothing(subtract(acknowledged, truth)))
        throw new Error(`[SY5] what ${name} had acknowledged is lost`);
    }
    const newcomer = this.#world.join('newcomer', 'writer');
    const viewer = this.#world.join('late viewer', 'reader');
    newcomer.mesh = -1;
    this.#world.mesh.change();
    await this.#world.run(MINUTE);
    const found: Y.Doc = newcomer.leader?.doc ?? EMPTY;
    // An author's device can have failed with something that others had already built on.
    const isWhole = isNothing(waitingIn(found));
    for (const { name, role, leader } of people) {
      const status = leader?.facts.mailbox;
      // Nobody has written anything.
      if (status?.state === 'unknown') continue;
      const doc = leader?.doc ?? EMPTY;
      const held = holdingsOf(doc);
      if (status?.incomplete === isNothing(waitingIn(doc)))
        throw new Error(`[SY19] ${name} is told otherwise of what waits in the document`);
      if (!covers(held, truth)) throw new Error(`[SY2] ${name} lacks what the relay has`);
      if (role === 'writer' && !covers(truth, held))
        throw new Error(`[SY4] the relay lacks what ${name} has`);
      // A viewer can have heard what its author lost before it was kept anywhere, and hands nothing on.
      if (!covers(truth, held)) continue;
      if (isWhole && status?.incomplete !== false)
        throw new Error(`[SY19] ${name} is told that it waits for something`);
      const [expected, seen] = [contentOf(found), contentOf(doc)];
      if (seen !== expected) throw new Error(`[SY4] ${name} sees ${seen} instead of ${expected}`);
    }
    if (viewer.leader?.facts.mailbox.onRelay !== true)
      throw new Error('[SY19] a viewer has nothing that is not on the relay');
    await this.#checkPassedOn(newcomer);
    return isWhole;
  }

  /** [ME11] Whoever has lost the relay is given by neighbours what somebody writes who is reached through it only. */
  async #checkPassedOn(author: SimulatedPerson): Promise<void> {
    const { mesh, random, people } = this.#world;
    const between = mesh.connected.filter(([one, other]) => one.page.holder !== other.page.holder);
    const [pair] = between;
    const [cut] = people.filter(({ leader }) => pair && leader === pair[0].page);
    const tab = author.leader;
    if (!cut || !tab) return;
    this.#world.cut(cut, true);
    await this.#world.run(random.between(0, 2 * SECOND));
    writeSomething(tab.doc, author.name);
    await this.#world.run(PASSED_ON);
    // A device that knows that it has no network has left the mesh.
    if (!cut.isOffline && cut.leader && !covers(integratedBy(cut.leader.doc), tab.done))
      throw new Error(`[ME11] ${cut.name} was not given by others what came through the relay`);
  }

  /** [TB1] [TB6] [TB9] [RC5] One tab leads, all have the same, so has the device, and every receipt is given that can be. */
  async #checkTabs(): Promise<void> {
    const { people, relay, judge } = this.#world;
    const truth = await judge.truth.of(relay);
    for (const person of people) {
      const { name, role, tabs, device, clockOffset } = person;
      const leaders = tabs.filter(({ line }) => line);
      const [leader] = leaders;
      if (!leader || leaders.length > 1) throw new Error(`[TB1] ${leaders.length} tabs of ${name} lead`);
      if (role === 'writer' && (leader.meshName === null) !== person.relayOnly)
        throw new Error(`[ME1] [IC9] ${leader.name} is ${leader.meshName === null ? 'not ' : ''}in the mesh`);
      const others = people.filter((other) => other !== person && areInTime(other, clockOffset));
      for (const tab of tabs) {
        if (!areEqual(tab.doc, leader.doc))
          throw new Error(`[TB6] ${tab.name} has other things than ${leader.name}`);
        if (!covers(integratedBy(device.committed), integratedBy(tab.doc)))
          throw new Error(`[TB6] the device lacks what ${tab.name} has`);
        this.#checkPresence(tab, [...others, person]);
        if ((tab.awareness.getLocalState()?.['peer'] ?? null) !== leader.meshName)
          throw new Error(`[ME10] ${tab.name} says another name than the mesh knows it by`);
        if (role === 'reader') continue;
        if (!tab.facts.mailbox.onRelay)
          throw new Error(`[TB9] ${tab.name} is not told that all is on the relay`);
        const lacking = others.filter(({ id }) => !tab.facts.having.includes(id));
        if (lacking.length > 0)
          throw new Error(`[RC5] ${tab.name} is not told that ${lacking.map(({ id }) => id).join()} has all`);
      }
      if (role === 'writer' && !covers(truth, holdingsOf(device.committed)))
        throw new Error(`[SY4] the relay lacks what ${name} has committed`);
    }
  }
}

/** A follower, if there is one: a change that takes the longer way. */
function someTab({ tabs, leader }: SimulatedPerson): SimulatedTab | null {
  return tabs.find((tab) => tab !== leader) ?? leader;
}

/** Whose clock is wrong by more is not heard through the relay: their presence is taken for an old one. */
function areInTime({ clockOffset }: SimulatedPerson, other: number): boolean {
  return Math.abs(clockOffset - other) < 100 * SECOND;
}
