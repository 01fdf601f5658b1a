import { describe, expect, it } from 'vitest';
import { describeDiagnostics, type Circumstances } from './diagnostics.ts';
import { NOT_ASKED } from './mailbox/ports.ts';

const SECRET = 'S3CRET';

/** Everything that anybody could have put into what is known: none of it may get out. */
const circumstances: Circumstances = {
  facts: {
    ...{ device: 'saved', online: true, hub: 'connected', viewing: false, waiting: false, looking: false },
    ...{ others: 1, having: 1, following: true, relayOnly: false, isMeshShut: false },
    mailbox: { ...NOT_ASKED, state: 'current', onRelay: true, dropped: 3 },
    lastTrouble: { code: 'relay/unreachable', at: 86_400_000 },
  },
  reached: [
    {
      ...{ id: SECRET, name: SECRET, hue: 1, peer: SECRET, viewing: false },
      ...{ way: 'direct', connecting: false, traffic: { sent: 12, received: 34 }, having: true },
    },
  ],
  room: { used: 1, quota: 2, persisted: true },
  version: 'abc',
  browser: 'Some Browser/1',
  now: 0,
};

describe('diagnostics', () => {
  it('[RC8] tell states, counts, sizes and times', () => {
    expect(JSON.parse(describeDiagnostics(circumstances))).toEqual({
      at: '1970-01-01T00:00:00.000Z',
      version: 'abc',
      browser: 'Some Browser/1',
      session: {
        ...{ device: 'saved', online: true, hub: 'connected', viewing: false, waiting: false },
        ...{ following: true, relayOnly: false, isMeshShut: false, others: 1, having: 1 },
      },
      mailbox: {
        ...{ state: 'current', onRelay: true, incomplete: false, trouble: null, quarantined: 0, dropped: 3 },
        unreachableSince: null,
      },
      lastTrouble: { code: 'relay/unreachable', at: '1970-01-02T00:00:00.000Z' },
      people: [{ way: 'direct', connecting: false, viewing: false, having: true, sent: 12, received: 34 }],
      storage: { used: 1, quota: 2, persisted: true },
    });
  });

  it('[RC8] [PR3] hold no name, id or peer, and nothing that the facts carry besides', () => {
    const withMore = {
      ...circumstances,
      facts: {
        ...circumstances.facts,
        title: SECRET,
        mailbox: { ...circumstances.facts.mailbox, link: SECRET },
      },
    };
    expect(describeDiagnostics(withMore)).not.toContain(SECRET);
  });
});
