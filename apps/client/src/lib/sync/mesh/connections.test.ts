import { describe, expect, it } from 'vitest';
import { readStats } from './connections.ts';

const ends = (local: string, remote: string) => [
  { type: 'local-candidate', id: 'L', candidateType: local },
  { type: 'remote-candidate', id: 'R', candidateType: remote },
];

const pair = {
  type: 'candidate-pair',
  localCandidateId: 'L',
  remoteCandidateId: 'R',
  bytesSent: 12,
  bytesReceived: 34,
};

/** As Chromium and Safari tell it. */
const transport = { type: 'transport', id: 'T', selectedCandidatePairId: 'P' };

describe('what is known of a connection', () => {
  it.each([
    ['host', 'srflx', 'direct'],
    ['relay', 'host', 'turn'],
    ['prflx', 'relay', 'turn'],
  ])('from %s to %s it is %s', (local, remote, way) => {
    const other = { ...pair, id: 'other', localCandidateId: 'x', bytesSent: 0 };
    expect(readStats([other, { ...pair, id: 'P' }, transport, ...ends(local, remote)])).toEqual({
      ...{ way, sent: 12, received: 34 },
    });
  });

  it('Firefox names the pair in another way', () => {
    expect(readStats([{ ...pair, id: 'P', selected: true }, ...ends('host', 'host')]).way).toBe('direct');
  });

  it('without a way there is nothing', () => {
    expect(
      readStats([
        { ...pair, id: 'P' },
        { type: 'transport', id: 'T' },
      ]),
    ).toEqual({ way: null, sent: 0, received: 0 });
  });
});
