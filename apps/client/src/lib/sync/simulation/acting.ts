import type { Action } from './profiles.ts';
import type { SimulatedPerson } from './person.ts';
import type { SimulatedTab } from './tab.ts';
import type { World } from './world.ts';
import { editSomething, writeMuch } from './writing.ts';

/** A device survives so many of its failures while it applies something: three with the same change would put that aside. */
const FAILURES = 2;

/** Lets one thing happen. */
export async function act(world: World, action: Action): Promise<void> {
  const { random, adversary, relay, network } = world;
  const person = random.pick(world.people);
  if (action !== 'edit') world.trace(`— ${action} (${person.name})`);
  switch (action) {
    case 'edit':
    case 'write much':
      edit(world, action);
      return;
    case 'cut':
      world.cut(person, random.chance(0.5));
      return;
    case 'mesh':
      person.mesh = random.below(3) - 1;
      world.mesh.change();
      return;
    case 'part':
      world.part();
      return;
    case 'relay only':
      person.reachThroughRelayOnly(!person.relayOnly);
      return;
    case 'crash':
      person.crash();
      return;
    case 'close':
      person.close();
      return;
    case 'open':
      for (const other of world.people) other.open();
      return;
    case 'wipe':
      if (!person.isOpen) person.wipe();
      return;
    case 'weather':
      network.faults = {
        lostRequest: random.chance(0.5) ? 0.15 : 0,
        lostAnswer: random.chance(0.5) ? 0.2 : 0,
        repeatedRequest: random.chance(0.5) ? 0.2 : 0,
        lostFrame: random.chance(0.5) ? 0.2 : 0,
        repeatedFrame: random.chance(0.5) ? 0.2 : 0,
        disorder: random.chance(0.5),
      };
      relay.failing = random.chance(0.4) ? 0.1 : 0;
      world.mesh.delay = random.pick([80, 80, 3_000]);
      return;
    case 'restart relay':
      network.disconnect();
      return;
    case 'clock':
      person.clockOffset += random.pick([-3_600_000, -90_000, 40_000, 7_200_000]);
      return;
    case 'online':
      if (!person.isOffline) for (const tab of person.tabs) tab.emit('online');
      return;
    case 'remake':
      relay.remake();
      return;
    case 'unknown kind':
      await adversary.bar({ kind: 'unknown', code: 9 }, new TextEncoder().encode('news'));
      return;
    case 'poison':
      await adversary.bar({ kind: 'update' }, random.bytes(30));
      return;
    case 'fail amid':
      if (person.failedAmid < FAILURES)
        person.failsAmid = random.pick(['beforeTransaction', 'afterTransaction'] as const);
      return;
    case 'deadly':
      await adversary.deadly();
      return;
    case 'deadly live':
      await adversary.deadlyLive();
      return;
    case 'limit':
      adversary.limit();
      return;
    case 'lift':
      relay.lift();
      return;
    case 'delete':
      await adversary.delete();
      return;
    case 'rollback':
      await adversary.rollBack();
      return;
    case 'fork':
      await adversary.fork();
      return;
    case 'lie':
      await adversary.lie();
      return;
    case 'truth':
      network.lies = {};
      return;
    case 'forge':
      await adversary.forge();
      return;
    case 'full':
      person.device.faults.isFull = !person.device.faults.isFull;
      return;
    default:
      actOnTab(world, person, action);
  }
}

type TabAction = Extract<Action, `${string} tab` | 'freeze' | 'freeze leader' | 'thaw' | 'hide' | 'show'>;

function actOnTab(world: World, person: SimulatedPerson, action: TabAction): void {
  const { random } = world;
  const { tabs } = person;
  const [tab, leader] = [tabs.length > 0 ? random.pick(tabs) : null, person.leader];
  switch (action) {
    case 'open tab':
      if (tabs.length < world.profile.tabs) person.openTab(random.chance(0.3));
      return;
    case 'close tab':
      if (random.chance(0.5)) tab?.close();
      else tab?.quit();
      return;
    case 'kill tab':
      tab?.end();
      return;
    case 'freeze':
      tab?.freeze();
      return;
    case 'freeze leader':
      if (leader) freezeForAWhile(world, leader);
      return;
    case 'thaw':
      for (const other of tabs) other.thaw();
      return;
    case 'hide':
    case 'show':
      if (tab?.isAwake) tab.show(action === 'show');
  }
}

/** Long enough to be robbed, or not; and what it was doing goes on afterwards. */
function freezeForAWhile(world: World, tab: SimulatedTab): void {
  tab.freeze();
  world.clock.after(world.random.between(500, 20_000), () => tab.thaw());
}

function edit(world: World, action: 'edit' | 'write much'): void {
  const { random, people, clock } = world;
  const isMuch = action === 'write much';
  const tabs = people
    .filter(({ role }) => role === 'writer')
    .map((person) => person.tabs.filter(({ isAwake, line }) => isAwake && (line || !isMuch)))
    .filter(({ length }) => length > 0);
  if (tabs.length === 0) return;
  const tab = random.pick(random.pick(tabs));
  if (!isMuch) {
    editSomething(tab.doc, tab.person.name, random);
    return;
  }
  writeMuch(tab.doc);
  // Whoever sends so much vanishes in the middle of it.
  if (random.chance(0.6)) clock.after(random.between(5, 90), () => tab.end());
}
