import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  applyAwarenessUpdate,
  Awareness,
  encodeAwarenessUpdate,
  removeAwarenessStates,
} from 'y-protocols/awareness';
import * as Y from 'yjs';
import { TabChange } from './change.ts';
import type { TabKind } from './messages.ts';
import type { PageEvent, TabPorts } from './ports.ts';
import { Tabs } from './tabs.ts';

// With the BroadcastChannel and the locks of the engine. What happens to many tabs is in simulation/.

let sessions = 0;
const open = new Set<Tab>();

afterEach(() => {
  for (const tab of open) tab.kill();
  open.clear();
});

/** A tab, and the page around it. */
class Tab {
  readonly doc = new Y.Doc();
  readonly awareness = new Awareness(this.doc);
  readonly lead = vi.fn();
  readonly follow = vi.fn(() => Promise.resolve());
  readonly told: unknown[] = [];
  readonly broken = vi.fn();
  readonly readAgain = vi.fn(() => Promise.resolve());
  readonly tabs: Tabs;
  committed: () => Promise<boolean> = () => Promise.resolve(true);
  isMute = false;
  now = 1_000_000;
  readonly #timers = new Set<{ readonly at: number; readonly action: () => void }>();
  readonly #ended = Promise.withResolvers<undefined>();
  readonly #waiting = new AbortController();
  readonly #listeners = new Map<PageEvent, Set<(event: Event) => void>>();
  #channel: BroadcastChannel | undefined;

  constructor({ session = sessions, kind = 'edit' as TabKind, words = '', ports = true, tells = '1' } = {}) {
    open.add(this);
    // Nobody hears of the state with which y-protocols begins.
    this.awareness.setLocalState({});
    if (words) this.doc.getText('text').insert(0, words);
    this.tabs = new Tabs({
      sessionId: `session ${session}`,
      ...{ kind, tells },
      doc: this.doc,
      awareness: this.awareness,
      surroundings: {
        now: () => this.now,
        random: () => 0,
        randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
        after: (milliseconds, action) => {
          const timer = { at: this.now + milliseconds, action };
          this.#timers.add(timer);
          return () => this.#timers.delete(timer);
        },
      },
      ports: ports ? this.#ports() : null,
      committed: () => this.committed(),
      readAgain: this.readAgain,
      lead: this.lead,
      follow: this.follow,
      onTold: (told) => this.told.push(told),
      onTabs: () => undefined,
      onBroken: this.broken,
    });
  }

  get words(): string {
    return this.doc.getText('text').toJSON();
  }

  get present(): number[] {
    return [...this.awareness.getStates().keys()].sort((a, b) => a - b);
  }

  write(words: string): void {
    this.doc.getText('text').insert(this.words.length, words);
  }

  /** Lets time go by, for this tab alone. */
  wait(milliseconds: number): void {
    const end = this.now + milliseconds;
    for (;;) {
      const [next] = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (!next) break;
      this.#timers.delete(next);
      this.now = Math.max(this.now, next.at);
      next.action();
    }
    this.now = end;
  }

  emit(event: PageEvent): void {
    for (const action of this.#listeners.get(event) ?? []) action(new Event(event));
  }

  say(message: unknown): void {
    this.#channel?.postMessage(message);
  }

  /** It is gone without a word, and its locks with it. */
  kill(): void {
    this.isMute = true;
    this.#channel?.close();
    this.#waiting.abort();
    this.#ended.resolve(undefined);
    this.awareness.destroy();
  }

  #ports(): TabPorts {
    return {
      locks: {
        request: async (name: string, options: LockOptions, held: LockGrantedCallback<unknown>) => {
          const { signal, ...rest } = options;
          const signals = AbortSignal.any([this.#waiting.signal, ...(signal ? [signal] : [])]);
          const all = rest.steal ? rest : { ...rest, signal: signals };
          try {
            return await navigator.locks.request(name, all, (lock) =>
              Promise.race([held(lock), this.#ended.promise]),
            );
          } catch (error) {
            // Nothing is told to who is gone.
            if (this.#waiting.signal.aborted) return await new Promise(() => undefined);
            throw error;
          }
        },
      } as TabPorts['locks'],
      openChannel: (name, receive) => {
        const channel = new BroadcastChannel(name);
        this.#channel = channel;
        channel.onmessage = ({ data }) => {
          if (!this.isMute) receive(data);
        };
        const post = (message: unknown) => {
          if (!this.isMute) channel.postMessage(message);
        };
        return { post, close: () => channel.close() };
      },
      isHidden: () => false,
      listen: (event, action) => {
        const listeners = this.#listeners.get(event) ?? new Set();
        this.#listeners.set(event, listeners.add(action));
        return () => listeners.delete(action);
      },
    };
  }
}

/** Two tabs, of which the first leads and both know each other. */
async function two(options: ConstructorParameters<typeof Tab>[0] = {}) {
  sessions += 1;
  const first = new Tab({ ...options, session: sessions });
  await vi.waitFor(() => expect(first.lead).toHaveBeenCalledOnce());
  const second = new Tab({ ...options, session: sessions });
  await vi.waitFor(() => {
    expect(first.tabs.clients).toHaveLength(2);
    expect(second.tabs.clients).toHaveLength(2);
    expect(second.present).toEqual(first.present);
  });
  return { first, second };
}

/** Resolves when all that `from` has said has reached `to`. */
async function heard(from: Tab, to: Tab): Promise<void> {
  const mark = 900 + Math.floor(Math.random() * 1e6);
  from.awareness.setLocalStateField('mark', mark);
  await vi.waitFor(() =>
    expect(to.awareness.getStates().get(from.awareness.clientID)).toMatchObject({ mark }),
  );
}

/** Somebody elsewhere comes, whom this tab hears; with the client id. */
function comeBy(tab: Tab): number {
  const stranger = new Awareness(new Y.Doc());
  stranger.setLocalState({ user: 'Bob' });
  applyAwarenessUpdate(tab.awareness, encodeAwarenessUpdate(stranger, [stranger.clientID]), 'mesh');
  stranger.destroy();
  return stranger.clientID;
}

describe('who leads', () => {
  it('[TB1] is one tab; when it closes, the next, and the one that closed says so', async () => {
    const { first, second } = await two();
    expect(second.lead).not.toHaveBeenCalled();
    expect([first.tabs.isLeading, second.tabs.isLeading]).toEqual([true, false]);
    first.tabs.close();
    await vi.waitFor(() => expect(second.lead).toHaveBeenCalledOnce());
    expect(first.follow).not.toHaveBeenCalled();
    await vi.waitFor(() => expect(second.tabs.clients).toHaveLength(1));
    expect(second.present).toEqual([second.awareness.clientID]);
  });

  it('[TB1] [TB7] of a leader that is killed, the next lets the presence end and reads the device again', async () => {
    const { first, second } = await two();
    second.readAgain.mockClear();
    first.kill();
    await vi.waitFor(() => expect(second.lead).toHaveBeenCalledOnce());
    await vi.waitFor(() => expect(second.present).toEqual([second.awareness.clientID]));
    expect(second.tabs.clients).toHaveLength(1);
    expect(second.readAgain).toHaveBeenCalled();
  });

  it('[TB7] a tab that is killed is noticed by who leads', async () => {
    const { first, second } = await two();
    first.readAgain.mockClear();
    second.kill();
    await vi.waitFor(() => expect(first.present).toEqual([first.awareness.clientID]));
    expect(first.readAgain).toHaveBeenCalledOnce();
    expect(first.tabs.clients).toHaveLength(1);
  });

  it('[TB3] a leader that does not answer is robbed, lets go once it can, and stands in the queue again', async () => {
    const { first, second } = await two();
    first.isMute = true;
    // Three questions in six seconds.
    second.wait(4_500);
    expect(second.lead).not.toHaveBeenCalled();
    second.wait(2_000);
    await vi.waitFor(() => expect(second.lead).toHaveBeenCalledOnce());
    await vi.waitFor(() => expect(first.follow).toHaveBeenCalledOnce());
    expect(first.tabs.isLeading).toBe(false);
    first.isMute = false;
    second.tabs.close();
    await vi.waitFor(() => expect(first.lead).toHaveBeenCalledTimes(2));
  });

  it('[TB3] one that fails to let go stands in the queue again all the same', async () => {
    const report = vi.fn();
    vi.stubGlobal('reportError', report);
    const { first, second } = await two();
    first.follow.mockRejectedValueOnce(new Error('stuck'));
    first.isMute = true;
    second.wait(6_500);
    await vi.waitFor(() => expect(second.lead).toHaveBeenCalledOnce());
    await vi.waitFor(() => expect(report).toHaveBeenCalledExactlyOnceWith(new Error('stuck')));
    first.isMute = false;
    second.tabs.close();
    await vi.waitFor(() => expect(first.lead).toHaveBeenCalledTimes(2));
    vi.unstubAllGlobals();
  });

  it('[TB2] one with a view link and one with the edit link lead side by side, and share the document', async () => {
    sessions += 1;
    const editor = new Tab({ session: sessions, words: 'shared' });
    const viewer = new Tab({ session: sessions, kind: 'view' });
    for (const { lead } of [editor, viewer]) await vi.waitFor(() => expect(lead).toHaveBeenCalledOnce());
    await vi.waitFor(() => expect(viewer.words).toBe('shared'));
    expect(viewer.tabs.clients).toHaveLength(1);
    expect(viewer.present).toEqual([viewer.awareness.clientID]);
  });

  it('[TB8] one that has said goodbye says nothing more of who is there, so that nobody is lost, and is heard again when it is back', async () => {
    const { first, second } = await two();
    const stranger = comeBy(first);
    await vi.waitFor(() => expect(second.present).toContain(stranger));
    first.emit('pagehide');
    // What the connections do at the same event.
    removeAwarenessStates(first.awareness, [stranger], 'mesh');
    first.tabs.tell('no connection');
    first.awareness.setLocalState({ user: 'still here' });
    // A change goes after the rest, and brings nobody back.
    first.write('last words');
    await vi.waitFor(() => expect(second.words).toBe('last words'));
    expect(second.present).toEqual([second.awareness.clientID, stranger].sort((a, b) => a - b));
    expect(second.tabs.clients).toHaveLength(1);
    expect(second.told).toEqual([]);
    first.emit('resume');
    await heard(first, second);
    expect(second.tabs.clients).toHaveLength(2);
    first.wait(20);
    await vi.waitFor(() => expect(second.told).toEqual(['no connection']));
  });

  it('[TB1] [TB8] one that leaves keeps its lock until it is closed', async () => {
    const { first, second } = await two();
    first.tabs.leave();
    await vi.waitFor(() => expect(second.tabs.clients).toHaveLength(1));
    first.awareness.setLocalState({ user: 'still here' });
    first.write('last words');
    await vi.waitFor(() => expect(second.words).toBe('last words'));
    expect(second.present).toEqual([second.awareness.clientID]);
    expect(second.lead).not.toHaveBeenCalled();
    first.tabs.close();
    await vi.waitFor(() => expect(second.lead).toHaveBeenCalledOnce());
  });

  it('[TB11] without locks or a channel every tab leads for itself', async () => {
    const alone = new Tab({ ports: false });
    expect(alone.lead).not.toHaveBeenCalled();
    await vi.waitFor(() => expect(alone.lead).toHaveBeenCalledOnce());
    expect(alone.tabs.isLeading).toBe(true);
    alone.tabs.tell({ anything: true });
    alone.write('kept by nobody else');
    expect(alone.tabs.clients).toEqual([expect.objectContaining({ client: alone.awareness.clientID })]);
    alone.tabs.close();
  });
});

describe('the document', () => {
  it('[TB6] a change is told once it is committed, as what was done in the other tab', async () => {
    const { first, second } = await two();
    const commit = Promise.withResolvers<boolean>();
    first.committed = () => commit.promise;
    const origins: unknown[] = [];
    second.doc.on('update', (_update: Uint8Array, origin: unknown) => origins.push(origin));
    first.write('done here');
    await heard(first, second);
    expect(second.words).toBe('');
    commit.resolve(true);
    await vi.waitFor(() => expect(second.words).toBe('done here'));
    expect(origins).toEqual([new TabChange(true, true)]);
    expect(second.tabs.isOfTab(origins[0])).toBe(true);
  });

  it('[TB6] what has merely arrived is not called done there, and what the device does not take is said to be nowhere', async () => {
    const { first, second } = await two();
    first.committed = () => Promise.resolve(false);
    const origins: unknown[] = [];
    second.doc.on('update', (_update: Uint8Array, origin: unknown) => origins.push(origin));
    const elsewhere = new Y.Doc();
    elsewhere.getText('text').insert(0, 'arrived');
    Y.applyUpdate(first.doc, Y.encodeStateAsUpdate(elsewhere), 'mesh');
    await vi.waitFor(() => expect(second.words).toBe('arrived'));
    expect(origins).toEqual([new TabChange(false, false)]);
    expect(second.tabs.isOfTab(origins[0])).toBe(false);
  });

  it('[TB6] a page that goes away tells what is not committed', async () => {
    const { first, second } = await two();
    first.committed = () => new Promise(() => undefined);
    first.write('last words');
    first.emit('pagehide');
    await vi.waitFor(() => expect(second.words).toBe('last words'));
    await vi.waitFor(() => expect(second.tabs.clients).toHaveLength(1));
  });

  it('[TB7] a tab that opens gets what others have and gives what it has, deletions as well', async () => {
    const { first, second } = await two();
    first.write('one two');
    await vi.waitFor(() => expect(second.words).toBe('one two'));
    const third = new Tab({ session: sessions, words: 'three' });
    for (const tab of [first, second])
      await vi.waitFor(() => expect(tab.words).toHaveLength('one twothree'.length));
    expect(third.words).toBe(first.words);
    third.doc.getText('text').delete(0, 3);
    for (const tab of [first, second]) await vi.waitFor(() => expect(tab.words).toBe(third.words));
  });

  it('[TB6] a new leader is given what is not committed as what was done there', async () => {
    const { first, second } = await two();
    const third = new Tab({ session: sessions });
    for (const tab of [first, second]) await heard(third, tab);
    third.committed = () => new Promise(() => undefined);
    const origins: unknown[] = [];
    second.doc.on('update', (_update: Uint8Array, origin: unknown) => origins.push(origin));
    third.write('done here');
    await heard(third, second);
    expect(second.words).toBe('');
    first.tabs.close();
    await vi.waitFor(() => expect(second.words).toBe('done here'));
    expect(origins).toEqual([new TabChange(true, false)]);
  });

  it('[TB6] a leader that was away is given what is not committed as what was done there', async () => {
    const { first, second } = await two();
    second.committed = () => new Promise(() => undefined);
    const origins: unknown[] = [];
    first.doc.on('update', (_update: Uint8Array, origin: unknown) => origins.push(origin));
    second.write('done here');
    first.emit('resume');
    await vi.waitFor(() => expect(first.words).toBe('done here'));
    expect(origins).toEqual([new TabChange(true, false)]);
  });

  it('[TB7] a tab that finds that it has missed something asks for it', async () => {
    const { first, second } = await two();
    second.isMute = true;
    first.write('missed');
    await heard(first, new Tab({ session: sessions }));
    second.isMute = false;
    first.doc.getMap('more').set('key', 1);
    await heard(first, second);
    expect(second.words).toBe('');
    second.wait(1_000);
    await vi.waitFor(() => expect(second.words).toBe('missed'));
  });

  it('[LK11] what a viewer changes in the copy reaches no other tab, also not when it is asked for all', async () => {
    const { first, second } = await two({ kind: 'view' });
    second.write('mine alone');
    await heard(second, first);
    const third = new Tab({ session: sessions, kind: 'view' });
    await vi.waitFor(() => expect(third.tabs.clients.length).toBeGreaterThan(1));
    first.tabs.close();
    await vi.waitFor(() => expect(second.lead).toHaveBeenCalledOnce());
    await heard(second, third);
    expect(third.words).toBe('');
  });

  it('[TB6] [TB9] a viewer’s tab whose copy was changed hands on what arrives all the same, and is believed', async () => {
    const { first } = await two({ kind: 'view' });
    first.write('mine alone');
    const third = new Tab({ session: sessions, kind: 'view', words: 'from the device' });
    await vi.waitFor(() => expect(first.tabs.clients).toHaveLength(3));
    const elsewhere = new Y.Doc();
    elsewhere.getMap('map').set('key', 'arrived');
    Y.applyUpdate(first.doc, Y.encodeStateAsUpdate(elsewhere), 'mailbox');
    await vi.waitFor(() => expect(third.doc.getMap('map').get('key')).toBe('arrived'));
    // It lacks what the newcomer began with, and asks for that.
    first.wait(1_000);
    await vi.waitFor(() => expect(first.words).toContain('from the device'));
    first.tabs.tell('all is on the relay');
    await vi.waitFor(() => expect(third.told.at(-1)).toBe('all is on the relay'));
    expect(third.words).toBe('from the device');
  });

  it('[SY16] an update that breaks the document is told as such, and goes no further', async () => {
    const { first, second } = await two();
    second.broken.mockImplementation(() => second.tabs.discard());
    second.doc.on('afterTransaction', (transaction: Y.Transaction) => {
      if (!transaction.local) throw new Error('poison');
    });
    first.write('poison');
    await vi.waitFor(() => expect(second.broken).toHaveBeenCalledOnce());
    second.doc.getMap('later').set('key', 1);
    await heard(second, first);
    expect(first.doc.getMap('later').size).toBe(0);
  });

  it('[TB12] messages that are none are dropped', async () => {
    const { first, second } = await two();
    const parts = {
      version: 1,
      from: { tab: 'x', kind: 'edit', client: 5, sender: 'y' },
      clock: {},
      leads: false,
    };
    for (const message of [
      null,
      7,
      { version: 2 },
      { ...parts, body: { type: 'unheard of' } },
      { ...parts, body: { type: 'hello', vector: 'text' } },
      { ...parts, body: { type: 'awareness', update: Uint8Array.of(9, 9, 9), lost: [], to: null } },
      { ...parts, leads: true, body: { type: 'hello', vector: Uint8Array.of(255) } },
    ])
      second.say(message);
    second.write('still there');
    await vi.waitFor(() => expect(first.words).toBe('still there'));
  });
});

describe('who is there', () => {
  it('[TB8] what the leader hears reaches its followers, and what it hears no more is gone there too', async () => {
    const { first, second } = await two();
    const stranger = new Awareness(new Y.Doc());
    stranger.setLocalState({ user: 'Bob' });
    const hello = encodeAwarenessUpdate(stranger, [stranger.clientID]);
    stranger.destroy();
    applyAwarenessUpdate(first.awareness, hello, 'mesh');
    await vi.waitFor(() =>
      expect(second.awareness.getStates().get(stranger.clientID)).toEqual({ user: 'Bob' }),
    );
    removeAwarenessStates(first.awareness, [stranger.clientID], 'mesh');
    await vi.waitFor(() => expect(second.awareness.getStates().has(stranger.clientID)).toBe(false));
    applyAwarenessUpdate(second.awareness, hello, 'nobody');
  });

  it('[TB8] what one follower says of itself reaches the leader, and from there whoever it is connected to', async () => {
    const { first, second } = await two();
    const passedOn: number[] = [];
    first.awareness.on('update', ({ updated }: { updated: number[] }) => passedOn.push(...updated));
    second.awareness.setLocalState({ user: 'Ada' });
    await vi.waitFor(() => expect(passedOn).toContain(second.awareness.clientID));
  });
});

describe('a follower whose timers are slowed', () => {
  const renewals = ({ awareness }: Tab, of = awareness) => awareness.meta.get(of.clientID)?.clock ?? 0;

  it('[TB8] renews its state when the leader renews its own, if it is older than ten seconds', async () => {
    const { first, second } = await two();
    const [before, leaders] = [renewals(second), renewals(second, first.awareness)];
    const renewLeader = () => first.awareness.setLocalState(first.awareness.getLocalState());
    second.now += 9_999;
    renewLeader();
    await vi.waitFor(() => expect(renewals(second, first.awareness)).toBe(leaders + 1));
    expect(renewals(second)).toBe(before);
    second.now += 1;
    renewLeader();
    await vi.waitFor(() => expect(renewals(first, second.awareness)).toBe(before + 1));
    second.now += 9_999;
    renewLeader();
    await vi.waitFor(() => expect(renewals(second, first.awareness)).toBe(leaders + 3));
    expect(renewals(second)).toBe(before + 1);
  });

  it('[TB8] that says nothing of itself is left at that, and a leader renews nothing for a follower', async () => {
    const { first, second } = await two();
    second.awareness.setLocalState(null);
    const [before, followers] = [renewals(first), renewals(second)];
    first.now = second.now = first.now + 60_000;
    first.tabs.tell('mark');
    await vi.waitFor(() => expect(second.told).toEqual(['mark']));
    expect(renewals(second)).toBe(followers);
    second.write('word');
    await vi.waitFor(() => expect(first.words).toBe('word'));
    expect(renewals(first)).toBe(before);
  });
});

describe('what the leader tells', () => {
  it('[TB9] is believed only while the leader has all that this tab has', async () => {
    const { first, second } = await two();
    first.tabs.tell('all is on the relay');
    await vi.waitFor(() => expect(second.told.at(-1)).toBe('all is on the relay'));
    second.write('not there yet');
    expect(second.told.at(-1)).toBeNull();
    await vi.waitFor(() => expect(first.words).toBe('not there yet'));
    first.tabs.tell('one change waits');
    await vi.waitFor(() => expect(second.told.at(-1)).toBe('one change waits'));
    expect(second.told).toEqual(['all is on the relay', null, 'one change waits']);
  });

  it('[TB9] is taken back from who begins to lead, before it does', async () => {
    const { first, second } = await two();
    first.tabs.tell('all is on the relay');
    await vi.waitFor(() => expect(second.told.at(-1)).toBe('all is on the relay'));
    second.lead.mockImplementation(() => second.told.push('leads'));
    first.tabs.close();
    await vi.waitFor(() => expect(second.told).toEqual(['all is on the relay', null, 'leads']));
  });

  it('[TB12] is not believed where a leader of another version means something else by it', async () => {
    const { first, second } = await two();
    const newer = new Tab({ session: sessions, tells: '2' });
    await heard(newer, second);
    first.tabs.tell('all is on the relay');
    await vi.waitFor(() => expect(second.told).toEqual(['all is on the relay']));
    await heard(first, newer);
    expect(newer.told).toEqual([]);
    const from = { tab: 'x', kind: 'edit', client: 5, sender: 'y' };
    const body = { type: 'told', tells: '2', told: 'something newer' };
    newer.say({ version: 1, from, clock: {}, leads: true, body });
    await vi.waitFor(() => expect(second.told).toEqual(['all is on the relay', null]));
    second.tabs.close();
    first.tabs.close();
    await vi.waitFor(() => expect(newer.lead).toHaveBeenCalledOnce());
    const older = new Tab({ session: sessions });
    await heard(newer, older);
    newer.tabs.tell('something newer');
    await heard(newer, older);
    expect(older.told).toEqual([]);
  });

  it('[TB9] is told to newcomers, and again when the leader has caught up', async () => {
    const { first, second } = await two();
    first.tabs.tell('all is on the relay');
    second.write('more');
    await vi.waitFor(() => expect(first.words).toBe('more'));
    const third = new Tab({ session: sessions });
    await vi.waitFor(() => expect(third.words).toBe('more'));
    first.wait(20);
    for (const { told } of [second, third])
      await vi.waitFor(() => expect(told.at(-1)).toBe('all is on the relay'));
  });
});
