import { describe, expect, it } from 'vitest';
import type { Holdings } from '../holdings.ts';
import { collectRanges } from '../ranges.ts';
import { Answering } from './answering.ts';
import type { Probe } from './probe.ts';

const wanted = (end: number, start = 0): Holdings => ({
  inserted: collectRanges([[1, start, end - start]]),
  deleted: new Map(),
});
const probe = (number: number, holdings: Holdings, asker = 'ada'): Probe => ({
  type: 'probe',
  asker,
  number,
  wanted: holdings,
});
const all = () => true;

describe('probes that wait', () => {
  it('[RC4] are due once what they ask about is here, until they are answered', () => {
    const answering = new Answering();
    answering.keep('a', probe(1, wanted(5)));
    answering.keep('b', probe(1, wanted(9)));
    const due = answering.due((asked) => asked.inserted.get(1)?.[1] === 5);
    expect(due.map(({ from }) => from)).toEqual(['a']);
    answering.drop(due);
    expect(answering.due(all).map(({ from }) => from)).toEqual(['b']);
  });

  it('[RC4] give way to one of the same asker that asks for all of it', () => {
    const answering = new Answering();
    answering.keep('a', probe(1, wanted(5)));
    answering.keep('a', probe(2, wanted(7)));
    answering.keep('a', probe(3, wanted(9, 8)));
    answering.keep('b', probe(4, wanted(9)));
    expect(answering.due(all).map(({ number }) => number)).toEqual([2, 3, 4]);
  });

  it('[RC4] are few of one asker, and not too many in all', () => {
    const answering = new Answering();
    for (let number = 0; number < 20; number++) answering.keep(7, probe(number, wanted(number + 1, number)));
    expect(answering.due(all).map(({ number }) => number)).toEqual([12, 13, 14, 15, 16, 17, 18, 19]);
    for (let client = 100; client < 400; client++) answering.keep(client, probe(client, wanted(1)));
    const numbers = answering.due(all).map(({ number }) => number);
    expect([numbers.length, numbers[0], numbers.at(-1)]).toEqual([256, 144, 399]);
  });
});
