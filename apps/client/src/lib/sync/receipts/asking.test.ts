import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { covers, encodeHoldings, NOTHING, unite, type Holdings } from '../holdings.ts';
import { collectRanges } from '../ranges.ts';
import { Asking, type Asked, type Met, type Role } from './asking.ts';
import { PROBE_BYTES } from './probe.ts';

const inserted = (...pieces: [client: number, start: number, length: number][]): Holdings => ({
  inserted: collectRanges(pieces),
  deleted: new Map(),
});

/** What a device holds at first, and two changes of it. */
const HELD = inserted([9, 0, 5]);
const FIRST = inserted([1, 0, 3]);
const SECOND: Holdings = { inserted: new Map(), deleted: collectRanges([[1, 1, 1]]) };

/** Somebody who asks, and who is reached directly. */
function open(...names: string[]) {
  const asking = new Asking();
  const present = new Map<string, Met>();
  const direct = new Set(names);
  const sent: { to: string; probe: Asked }[] = [];
  const it = {
    asking,
    direct,
    sent,
    come: (name: string, role: Role = 'writer', way = 'a') => {
      present.set(name, { role, way });
      asking.meet(present, () => HELD);
    },
    go: (name: string) => {
      present.delete(name);
      asking.meet(present, () => HELD);
    },
    /** Asks who is due, and answers with whom. */
    ask: (now: number) => {
      sent.length = 0;
      asking.ask(now, (to, probe) => {
        if (direct.has(to)) sent.push({ to, probe });
        return direct.has(to);
      });
      return sent.map(({ to }) => to);
    },
    last: (to: string) => {
      const found = sent.findLast((one) => one.to === to);
      if (!found) throw new Error(`${to} was not asked`);
      return found.probe;
    },
  };
  for (const name of names) it.come(name);
  return it;
}

describe('who is asked for what', () => {
  it('[RC1] everybody, for what was here when the first one came, and for each change', () => {
    const { asking, ask, last, come, direct } = open('ada');
    expect(ask(0)).toEqual(['ada']);
    expect(last('ada').wanted).toEqual(HELD);
    asking.answered('ada', 'writer', last('ada').number);
    expect(asking.facts).toEqual({ people: 1, having: 1, ids: ['ada'] });
    asking.changed(FIRST);
    expect(asking.facts).toEqual({ people: 1, having: 0, ids: [] });
    expect(asking.nextAt).toBe(1_000);
    expect(ask(999)).toEqual([]);
    expect(ask(1_000)).toEqual(['ada']);
    expect(last('ada').wanted).toEqual(FIRST);
    direct.add('bob');
    come('bob');
    expect(ask(1_001)).toEqual(['bob']);
    expect(last('bob').wanted).toEqual(unite(HELD, FIRST));
  });

  it('[RC1] those who lack the same, with the same probe', () => {
    const { asking, ask, last, sent } = open('ada', 'bob');
    ask(0);
    for (const name of ['ada', 'bob']) asking.answered(name, 'writer', last(name).number);
    asking.changed(FIRST);
    asking.changed(SECOND);
    ask(1_000);
    expect(sent.map(({ probe }) => probe.number)).toEqual([2, 2]);
    expect(last('bob').wanted).toEqual(unite(FIRST, SECOND));
  });

  it('[RC1] an answer counts for what it was asked for: a deletion since is lacking', () => {
    const { asking, ask, last } = open('ada');
    asking.changed(FIRST);
    ask(0);
    const { number } = last('ada');
    asking.changed(SECOND);
    asking.answered('ada', 'writer', number);
    expect(asking.facts.having).toBe(0);
    ask(1_000);
    expect(last('ada').wanted).toEqual(SECOND);
    asking.answered('ada', 'writer', last('ada').number);
    expect(asking.facts.having).toBe(1);
  });

  it('[RC3] who has gone is not counted, and asked anew once they are back: what they said before counts no more', () => {
    const { asking, ask, last, go, come } = open('ada', 'bob');
    ask(0);
    const { number } = last('ada');
    asking.answered('bob', 'writer', number);
    go('ada');
    expect(asking.facts).toEqual({ people: 1, having: 1, ids: ['bob'] });
    asking.answered('ada', 'writer', number);
    come('ada');
    asking.answered('ada', 'writer', number);
    expect(asking.facts.ids).toEqual(['bob']);
    expect(ask(1)).toEqual(['ada']);
    expect(last('ada').wanted).toEqual(HELD);
  });

  it('[RC6] answers out of nowhere, and a viewer’s in the place of a writer’s, are dropped', () => {
    const { asking, ask, last, come, direct } = open('ada');
    ask(0);
    const { number } = last('ada');
    asking.answered('ada', 'writer', number + 1);
    asking.answered('eve', 'writer', number);
    asking.answered('ada', 'reader', number);
    expect(asking.facts.having).toBe(0);
    direct.add('vic');
    come('vic', 'reader');
    ask(1);
    asking.answered('vic', 'reader', last('vic').number);
    expect(asking.facts.ids).toEqual(['vic']);
    // Somebody writes under that name.
    come('vic', 'writer');
    expect(asking.facts.ids).toEqual([]);
  });

  it('[RC5] who can be reached otherwise than before is asked anew', () => {
    const { asking, ask, come } = open('ada');
    ask(0);
    expect(asking.nextAt).toBeNull();
    asking.reached();
    expect(ask(1_000)).toEqual(['ada']);
    come('ada', 'writer', 'b');
    expect(ask(2_000)).toEqual(['ada']);
    come('ada', 'writer', 'b');
    expect(asking.nextAt).toBeNull();
  });

  it('[RC2] what is too much for one probe is asked for in several, the next once the one before is answered', () => {
    const { asking, ask, last } = open('ada');
    asking.changed({
      ...NOTHING,
      deleted: collectRanges(Array.from({ length: 9_000 }, (_, at) => [1, at * 2, 1])),
    });
    ask(0);
    const part = last('ada');
    expect(encodeHoldings(part.wanted).length).toBeLessThanOrEqual(PROBE_BYTES);
    expect(asking.nextAt).toBeNull();
    let times = 1;
    for (; asking.facts.having === 0 && times < 9; times++) {
      asking.answered('ada', 'writer', last('ada').number);
      ask(times);
    }
    expect(times).toBe(4);
  });
});

describe('who is asked through the relay', () => {
  it('[RC5] is asked along with presence, and again along with a later one until they answer', () => {
    const { asking, ask, come } = open();
    come('ada');
    expect(ask(0)).toEqual([]);
    expect(asking.isRelayAwaited).toBe(true);
    expect(asking.nextAt).toBeNull();
    const probe = asking.askAlong(100);
    expect(probe?.wanted).toEqual(HELD);
    expect(asking.isRelayAwaited).toBe(false);
    expect(asking.askAlong(5_099)).toBeNull();
    const again = asking.askAlong(5_100);
    expect(again?.wanted).toEqual(HELD);
    asking.answered('ada', 'writer', probe?.number ?? 0);
    expect(asking.facts.having).toBe(1);
    expect(asking.askAlong(60_000)).toBeNull();
  });

  it('[RC5] takes turns with those who lack something else, though they never answer', () => {
    const { asking, ask, come } = open();
    come('old');
    ask(0);
    asking.askAlong(0);
    come('ada');
    ask(1);
    const first = asking.askAlong(1);
    asking.answered('ada', 'writer', first?.number ?? 0);
    asking.changed(FIRST);
    ask(1_001);
    const wanted = [1_001, 1_002].map((now) => asking.askAlong(now)?.wanted);
    expect(wanted).toContainEqual(FIRST);
    expect(wanted).toContainEqual(unite(HELD, FIRST));
    expect(asking.askAlong(1_003)).toBeNull();
    const again = [30_000, 60_000].map((now) => asking.askAlong(now)?.wanted);
    expect(again).toContainEqual(FIRST);
    expect(again).toContainEqual(unite(HELD, FIRST));
  });

  it('[RC5] is asked directly once they can be', () => {
    const { asking, ask, come, direct } = open();
    come('ada');
    ask(0);
    direct.add('ada');
    asking.reached();
    expect(ask(1)).toEqual(['ada']);
    expect(asking.askAlong(60_000)).toBeNull();
  });
});

type Event =
  | { type: 'come' | 'go' | 'ask' | 'along' | 'reach'; who: string; direct: boolean }
  | { type: 'change'; isDeletion: boolean }
  | { type: 'answer'; who: string; back: number };

const who = fc.constantFrom('ada', 'bob', 'cy');
const events: fc.Arbitrary<Event[]> = fc.array(
  fc.oneof(
    fc.record({
      type: fc.constantFrom('come', 'go', 'ask', 'ask', 'along', 'reach'),
      who,
      direct: fc.boolean(),
    }),
    fc.record({ type: fc.constant('change'), isDeletion: fc.boolean() }),
    fc.record({ type: fc.constant('answer'), who, back: fc.nat(3) }),
  ),
  { maxLength: 60 },
);

describe('whatever happens', () => {
  it('[RC1] [RC3] somebody has exactly what they have answered for since they came', () => {
    fc.assert(
      fc.property(events, (script) => {
        const asking = new Asking();
        const present = new Map<string, Met>();
        /** By person: what they have said that they have, and the numbers that they were asked with since they came. */
        const said = new Map<string, Holdings>();
        const askedOf = new Map<string, Set<number>>();
        const probes = new Map<number, Holdings>();
        let target: Holdings | null = null;
        let now = 0;
        for (const event of script) {
          now += 700;
          if (event.type === 'come' && !present.has(event.who)) {
            present.set(event.who, { role: 'writer', way: '' });
            target ??= HELD;
            said.set(event.who, NOTHING);
            askedOf.set(event.who, new Set());
          } else if (event.type === 'go') present.delete(event.who);
          else if (event.type === 'change') {
            // Nothing is done twice.
            const ranges = collectRanges([[1, now, 2]]);
            const added = event.isDeletion
              ? { ...NOTHING, deleted: ranges }
              : { ...NOTHING, inserted: ranges };
            asking.changed(added);
            if (target) target = unite(target, added);
          } else if (event.type === 'reach') asking.reached();
          else if (event.type === 'ask' || event.type === 'along') {
            const note = (id: string, { number, wanted }: Asked) => {
              probes.set(number, wanted);
              askedOf.get(id)?.add(number);
            };
            if (event.type === 'ask') {
              asking.ask(now, (id, probe) => {
                if (event.direct) note(id, probe);
                return event.direct;
              });
            } else {
              const probe = asking.askAlong(now);
              if (probe) for (const id of present.keys()) note(id, probe);
            }
          } else if (event.type === 'answer') {
            const number = Math.max(0, ...probes.keys()) - event.back;
            asking.answered(event.who, 'writer', number);
            if (present.has(event.who) && askedOf.get(event.who)?.delete(number))
              said.set(event.who, unite(said.get(event.who) ?? NOTHING, probes.get(number) ?? NOTHING));
          }
          asking.meet(present, () => HELD);
          const { people, having, ids } = asking.facts;
          expect([people, having]).toEqual([present.size, ids.length]);
          for (const id of ids) expect(covers(said.get(id) ?? NOTHING, target ?? NOTHING)).toBe(true);
        }
        // In the end they answer all that they are asked.
        for (let times = 0; times < 5; times++) {
          asking.reached();
          now += 1_000;
          const numbers: [string, number][] = [];
          asking.ask(now, (id, { number }) => numbers.push([id, number]) > 0);
          for (const [id, number] of numbers) asking.answered(id, 'writer', number);
        }
        expect(asking.facts.having).toBe(present.size);
      }),
      { numRuns: 500, seed: 1 },
    );
  });
});
