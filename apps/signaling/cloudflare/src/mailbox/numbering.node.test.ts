import { expect, it } from 'vitest';
import { numberEnvelopes } from './numbering.ts';

const known = [
  { id: 'a', hash: 'A', seq: 1 },
  { id: 'b', hash: 'B', seq: 2 },
];

it('[MB5] [MB7] what is known keeps its seq, what is new gets the next one, once', () => {
  const incoming = [
    { id: 'c', hash: 'C' },
    { id: 'a', hash: 'A' },
    { id: 'd', hash: 'D' },
    { id: 'c', hash: 'C' },
  ];
  expect(numberEnvelopes(9, known, incoming)).toEqual({ seqs: [10, 1, 11, 10], fresh: [0, 2] });
});

it('[MB7] an id with other bytes than it is known by is refused, also within one request', () => {
  expect(numberEnvelopes(9, known, [{ id: 'b', hash: 'X' }])).toBeNull();
  expect(
    numberEnvelopes(9, known, [
      { id: 'c', hash: 'C' },
      { id: 'c', hash: 'X' },
    ]),
  ).toBeNull();
});
