import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';
import type { EditKeys, ViewKeys } from '../session/keys.ts';
import { NOT_CONNECTED, type ConnectionFacts } from './connection-facts.ts';
import { Connections } from './connections.ts';
import type { LeadingOptions } from './leading.ts';
import { TabChange } from './tabs/change.ts';
import type { TabsOptions } from './tabs/tabs.ts';

/** What was made, and what was done with it in which order. */
const parts = vi.hoisted(() => ({
  tabs: [] as { options: TabsOptions; clients: object[] }[],
  leading: [] as { options: LeadingOptions; closed: () => void }[],
  said: [] as unknown[][],
}));

vi.mock('./tabs/tabs.ts', () => ({
  Tabs: class {
    readonly options: TabsOptions;
    clients: object[] = [{}];
    constructor(options: TabsOptions) {
      this.options = options;
      parts.tabs.push(this);
    }
    isOfTab = (origin: unknown) => origin instanceof TabChange && origin.own;
    tell = (told: unknown) => void parts.said.push(['tell', told]);
    discard = () => void parts.said.push(['tabs discard']);
    leave = () => void parts.said.push(['tabs leave']);
    close = () => void parts.said.push(['tabs close']);
  },
}));
vi.mock('./leading.ts', () => ({
  Leading: class {
    readonly options: LeadingOptions;
    readonly #ended = Promise.withResolvers<undefined>();
    constructor(options: LeadingOptions) {
      this.options = options;
      parts.said.push(['lead']);
      parts.leading.push({ options, closed: () => this.#ended.resolve(undefined) });
    }
    flush = () => void parts.said.push(['flush']);
    tabsChanged = () => void parts.said.push(['tabs changed']);
    leaveMesh = () => void parts.said.push(['leave mesh']);
    reachThroughRelayOnly = (relayOnly: boolean) => void parts.said.push(['relay only', relayOnly]);
    accessChanged = () => void parts.said.push(['access changed']);
    discard = () => void parts.said.push(['leading discard']);
    close = (isHandedOver: boolean) => {
      parts.said.push(['leading close', isHandedOver]);
      return this.#ended.promise;
    };
  },
}));

const { tabs, leading, said } = parts;
const told: ConnectionFacts = {
  ...NOT_CONNECTED,
  hub: 'connected',
  mailbox: { ...NOT_CONNECTED.mailbox, state: 'current', onRelay: true },
  having: ['bob'],
  peer: 'a peer',
};
const keys = {} as EditKeys;

let opened = 0;

function open(changes: { keys?: EditKeys | null; sessionId?: string } = {}) {
  const doc = new Y.Doc();
  const awareness = new Awareness(doc);
  // It would go on otherwise.
  clearInterval(awareness._checkInterval as ReturnType<typeof setInterval>);
  const facts: { facts: ConnectionFacts; isFollowing: boolean }[] = [];
  const onBroken = vi.fn();
  const onPoisoned = vi.fn();
  const connections = new Connections({
    ...{ sessionId: `session ${opened++}`, keys, doc, awareness, view: {} as ViewKeys },
    ...{ relay: '', hub: '', relayOnly: false, accessKey: null },
    ...changes,
    committed: () => Promise.resolve(true),
    readAgain: () => Promise.resolve(),
    onFacts: (known, isFollowing) => facts.push({ facts: known, isFollowing }),
    onBroken,
    onPoisoned,
  });
  const [tab] = tabs;
  if (!tab) throw new Error('no tabs');
  return { connections, awareness, facts, onBroken, onPoisoned, tab, options: tab.options };
}

type LeadingOf = { readonly options: LeadingOptions };

const lead = ({ options }: { options: TabsOptions }) => {
  options.lead();
  const leader = leading.at(-1);
  if (!leader) throw new Error('nothing leads');
  return leader;
};

beforeEach(() => {
  for (const list of [tabs, leading, said]) list.length = 0;
});

describe('the connections of a tab', () => {
  it('[TB1] are made by the tab that leads, once, and told to the others', () => {
    const opened = open();
    expect(leading).toEqual([]);
    const leader = lead(opened);
    opened.options.lead();
    expect(leading).toHaveLength(1);
    leader.options.onFacts(told);
    expect(said).toEqual([['lead'], ['tell', told]]);
    expect(opened.facts).toEqual([{ facts: told, isFollowing: false }]);
  });

  it('[TB9] of a follower are those that the leader tells of, under the name by which others meet it', () => {
    const { options, facts, awareness } = open();
    options.onTold(told);
    expect(facts).toEqual([{ facts: told, isFollowing: true }]);
    expect(awareness.getLocalState()).toEqual({ peer: 'a peer' });
  });

  it('[TB9] [PR2] while it is not known whether the leader has what this tab wrote, nobody is said to have it', () => {
    const { options, facts } = open();
    options.onTold(told);
    options.onTold(null);
    const last = facts.at(-1)?.facts;
    expect(last).toEqual({ ...told, having: [], mailbox: { ...told.mailbox, onRelay: false } });
  });

  it('[TB9] [PR2] a viewer is not said to have all that the relay has, either', () => {
    const { options, facts } = open({ keys: null });
    options.onTold(told);
    options.onTold(null);
    expect(facts.at(-1)?.facts.mailbox.state).toBe('starting');
  });

  it('[TB4] are let go of when another tab takes over, and nobody is told goodbye', async () => {
    const opened = open();
    const leader = lead(opened);
    const done = opened.options.follow();
    expect(said.at(-1)).toEqual(['leading close', true]);
    leader.closed();
    await done;
    opened.options.lead();
    expect(leading).toHaveLength(2);
  });

  it('[TB4] end before another tab begins', async () => {
    const opened = open();
    const leader = lead(opened);
    const closed = opened.connections.close();
    await Promise.resolve();
    // It goes, and says so; the other tabs stay.
    expect(said).toEqual([['lead'], ['tabs leave'], ['leading close', false]]);
    leader.closed();
    await closed;
    expect(said.at(-1)).toEqual(['tabs close']);
    opened.options.lead();
    expect(leading).toHaveLength(1);
  });

  it('[SY21] speak for each tab that comes or goes', () => {
    const opened = open();
    opened.options.onTabs();
    lead(opened);
    opened.options.onTabs();
    expect(said).toEqual([['lead'], ['tabs changed']]);
  });

  it('[SY16] give nobody what a failed update has made of the document, whichever way it came, and let another tab lead', async () => {
    for (const fail of ['tabs', 'mesh', 'mailbox', 'device'] as const) {
      for (const list of [tabs, leading, said]) list.length = 0;
      const opened = open();
      const leader = lead(opened);
      if (fail === 'tabs') opened.options.onBroken();
      else if (fail === 'mesh') leader.options.onMeshBroken();
      else if (fail === 'mailbox') leader.options.onBroken();
      else opened.connections.discard();
      leader.options.onMeshBroken();
      // The mailbox has to find out what it was.
      if (fail === 'mailbox') leader.options.onPoisoned();
      const left = fail === 'mailbox' ? 'leave mesh' : 'leading discard';
      expect(said).toEqual([['lead'], ['tabs discard'], [left], ['tabs leave'], ['leading close', true]]);
      expect(opened.onBroken).toHaveBeenCalledTimes(fail === 'device' ? 0 : 1);
      expect(opened.onPoisoned).toHaveBeenCalledTimes(fail === 'device' ? 0 : 1);
      leader.closed();
      await vi.waitFor(() => expect(said.at(-1)).toEqual(['tabs close']));
    }
  });

  it('[SY16] [PR2] say of a broken document that nobody has it, whatever is told afterwards', () => {
    for (const break_ of [
      ({ options }: LeadingOf) => options.onMeshBroken(),
      ({ options }: LeadingOf) => {
        options.onBroken();
        options.onFacts(told);
        options.onPoisoned();
      },
    ]) {
      for (const list of [tabs, leading, said]) list.length = 0;
      const opened = open();
      const leader = lead(opened);
      leader.options.onFacts(told);
      const before = opened.facts.length;
      break_(leader);
      opened.options.onTold(told);
      const since = opened.facts.slice(before).map(({ facts }) => facts);
      expect(since.length).toBeGreaterThan(0);
      for (const facts of since) {
        expect(facts).toMatchObject({
          having: [],
          mailbox: { state: 'starting', onRelay: false, trouble: 'relay/quarantined' },
        });
      }
    }
  });

  it('[SY16] do not take again the way by which the document was broken, until the page is loaded anew', () => {
    const sessionId = 'broken twice';
    const opened = open({ sessionId });
    lead(opened).options.onMeshBroken();
    expect(opened.onPoisoned).toHaveBeenCalledOnce();
    tabs.length = 0;
    const again = open({ sessionId });
    expect(lead(again).options.isMeshShut).toBe(true);
    expect(again.options.ports).not.toBeNull();
    again.options.onBroken();
    tabs.length = 0;
    expect(open({ sessionId }).options.ports).toBeNull();
    tabs.length = 0;
    expect(lead(open({ sessionId: 'another' })).options.isMeshShut).toBe(false);
  });

  it('tell apart what another tab did from what it merely received', () => {
    const opened = open();
    const { options } = lead(opened);
    const origins = [new TabChange(true, false), new TabChange(false, true), 'mesh'];
    expect(origins.map((origin) => options.isOwn(origin))).toEqual([true, false, false]);
  });

  it('[SY26] ask the relay anew with another access key, and bring it along when another tab comes to lead later', () => {
    const opened = open();
    opened.connections.useAccessKey('a-key-of-some-people');
    const { options } = lead(opened);
    expect(options.access()).toBe('a-key-of-some-people');
    opened.connections.useAccessKey('a-key-of-some-people');
    expect(said.slice(1)).toEqual([]);
    opened.connections.useAccessKey('another-key-of-others');
    expect(said.slice(1)).toEqual([['access changed']]);
    expect(options.access()).toBe('another-key-of-others');
    // [SY27] It was forgotten.
    opened.connections.useAccessKey(null);
    expect(said.slice(1)).toEqual([['access changed'], ['access changed']]);
    expect(options.access()).toBeNull();
  });

  it('go over to the relay only, also when another tab comes to lead later', () => {
    const opened = open();
    opened.connections.reachThroughRelayOnly(true);
    expect(lead(opened).options.relayOnly).toBe(true);
    opened.connections.reachThroughRelayOnly(true);
    opened.connections.reachThroughRelayOnly(false);
    expect(said.slice(1)).toEqual([['relay only', false]]);
  });
});
