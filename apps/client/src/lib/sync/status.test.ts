import { describe, expect, test } from 'vitest';
import { catalogue } from '../session/error-sentences.ts';
import type { MailboxStatus, MailboxTrouble } from './mailbox/ports.ts';
import {
  describeDetails,
  describeRoom,
  describeSharing,
  describeWaiting,
  explainTrouble,
} from './status-details.ts';
import { describeSync, type SyncFacts } from './status.ts';
import type { StorageRoom } from './storage-room.ts';

const synced: MailboxStatus = {
  state: 'current',
  onRelay: true,
  incomplete: false,
  unreachableSince: null,
  trouble: null,
  quarantined: 0,
  dropped: 0,
};

const calm: SyncFacts = {
  device: 'saved',
  online: true,
  hub: 'connected',
  mailbox: synced,
  viewing: false,
  others: 0,
  having: 0,
  waiting: false,
  looking: false,
  following: false,
  relayOnly: false,
  isMeshShut: false,
  lastTrouble: null,
};

type Changes = Partial<Omit<SyncFacts, 'mailbox'>> & { mailbox?: Partial<MailboxStatus> };

function having({ mailbox, ...facts }: Changes): SyncFacts {
  return { ...calm, ...facts, mailbox: { ...synced, ...mailbox } };
}

const describeAt = (changes: Changes) => ({
  ...describeSync(having(changes), () => '14:05'),
  ...describeDetails(having(changes), () => '14:05'),
});

/** What else is said of them: where a session is handed on, and while nothing of it is there. */
const describeAll = (facts: SyncFacts) => {
  const { label, notice } = describeSync(facts, () => '14:05');
  const { device, people, relay, missing, refused } = describeDetails(facts, () => '14:05');
  const { what, next } = describeWaiting(facts);
  const page = facts.waiting ? `${what} ${next}` : '';
  const trouble = facts.mailbox.trouble && explainTrouble(facts.mailbox.trouble, facts.viewing);
  const banner = trouble && !facts.waiting ? `${trouble.what} ${trouble.next}` : '';
  return {
    label,
    notice,
    device,
    people,
    relay,
    missing,
    refused,
    page,
    banner,
    sharing: describeSharing(facts),
  };
};

const troubles = Object.keys(catalogue).filter((code) => code.startsWith('relay/')) as MailboxTrouble[];

describe('sync status', () => {
  test.each<[Changes, string]>([
    [{}, 'On this device · on the relay'],
    [{ others: 1, having: 1 }, 'On this device · with 1 person · on the relay'],
    [{ others: 1 }, 'On this device · not yet with 1 person · on the relay'],
    [{ others: 7, having: 7 }, 'On this device · with 7 people · on the relay'],
    [{ others: 7, having: 2 }, 'On this device · with 2 of 7 people · on the relay'],
    [{ others: 7, having: 2, viewing: true }, 'On this device · 7 people here · on the relay'],
    [{ others: 1, waiting: true }, 'Waiting · 1 person here'],
    [{ online: false }, 'On this device · offline'],
    [{ hub: 'unreachable' }, 'On this device · on the relay'],
    [{ device: 'saving', mailbox: { onRelay: false } }, 'Saving · waiting for the relay'],
    [{ mailbox: { onRelay: false } }, 'On this device · waiting for the relay'],
    [{ mailbox: { onRelay: false, state: 'unknown' } }, 'On this device · waiting for the relay'],
    [{ mailbox: { onRelay: false, state: 'starting' } }, 'On this device'],
    [{ mailbox: { state: 'behind' } }, 'On this device · receiving'],
    [
      { mailbox: { state: 'unreachable', unreachableSince: 1 } },
      'On this device · relay unreachable since 14:05',
    ],
    [{ mailbox: { trouble: 'relay/quota-exceeded', onRelay: false } }, 'On this device · relay: full'],
    [{ mailbox: { trouble: 'relay/deleted' } }, 'On this device · deleted from the relay'],
    [{ mailbox: { trouble: 'relay/forked' } }, 'On this device · relay contradicts itself'],
    [{ device: 'device/full' }, 'Not saved: storage is full · on the relay'],
    [{ device: 'device/failed', online: false }, 'Not saved · offline'],
    [{ device: 'device/unavailable', others: 1 }, 'Only in this tab · not yet with 1 person · on the relay'],
    [{ waiting: true }, 'Waiting'],
    [{ waiting: true, online: false }, 'Waiting · offline'],
    [{ waiting: true, mailbox: { state: 'behind' } }, 'Waiting · receiving'],
    [{ viewing: true }, 'On this device · on the relay'],
    [{ viewing: true, mailbox: { state: 'unknown' } }, 'On this device · relay does not know the link'],
    [{ viewing: true, mailbox: { quarantined: 1 } }, 'On this device · something was left out'],
    [{ viewing: true, mailbox: { incomplete: true } }, 'On this device · something is missing'],
    [{ mailbox: { incomplete: true } }, 'On this device · on the relay · something is missing'],
    // What one has not made oneself can be here though the relay does not know the session.
    [{ mailbox: { state: 'unknown' } }, 'On this device · waiting for the relay'],
  ])('%j is called %j', (changes, label) => {
    expect(describeAt(changes).label).toBe(label);
  });

  test('only a committed change fills the first arc', () => {
    for (const device of ['saving', 'device/full', 'device/failed', 'device/unavailable'] as const) {
      expect(describeAt({ device, others: 3 }).onDevice).toBe(false);
    }
    expect(describeAt({ waiting: true }).onDevice).toBe(false);
    expect(describeAt({}).onDevice).toBe(true);
  });

  test('[SY19] only what the relay has acknowledged fills its arc', () => {
    expect(describeAt({}).relayArc).toBe('filled');
    // What was acknowledged stays so while nobody can be asked.
    expect(describeAt({ online: false }).relayArc).toBe('filled');
    for (const state of ['behind', 'current', 'unknown', 'unreachable'] as const) {
      expect([state, describeAt({ mailbox: { state, onRelay: false } }).relayArc]).toEqual([
        state,
        'waiting',
      ]);
    }
    expect(describeAt({ mailbox: { state: 'starting', onRelay: false } }).relayArc).toBe('empty');
    expect(describeAt({ waiting: true }).relayArc).toBe('empty');
  });

  test('[SY19] a viewer’s is filled only while this device has all that the relay has told of', () => {
    for (const state of ['starting', 'behind', 'unknown', 'unreachable'] as const) {
      expect(describeAt({ viewing: true, mailbox: { state } }).relayArc).not.toBe('filled');
    }
    expect(describeAt({ viewing: true, mailbox: { onRelay: false } }).relayArc).toBe('filled');
  });

  test('[SY9] [SY12] [SY19] a relay that contradicts itself or has deleted the session has nothing', () => {
    for (const trouble of ['relay/forked', 'relay/rolled-back'] as const) {
      expect(describeAt({ mailbox: { trouble } }).relayArc).toBe('danger');
    }
    expect(describeAt({ mailbox: { trouble: 'relay/deleted' } }).relayArc).toBe('empty');
  });

  test('[SY19] “on the relay” is not said of what it has not acknowledged', () => {
    for (const state of ['starting', 'behind', 'current', 'unknown', 'unreachable'] as const) {
      for (const online of [true, false]) {
        for (const trouble of [null, ...troubles]) {
          const { label, relay } = describeAt({ online, mailbox: { state, trouble, onRelay: false } });
          expect(label).not.toMatch(/· on the relay/);
          expect(relay).not.toMatch(/is on the relay/);
        }
      }
    }
    expect(describeAt({}).relay).toMatch(/is on the relay/);
  });

  test('[PR2] [RC1] only those who have the last change fill the second arc, and only all of them', () => {
    expect(describeAt({}).peopleArc).toBe('empty');
    expect(describeAt({ others: 3 }).peopleArc).toBe('waiting');
    expect(describeAt({ others: 3, having: 2 }).peopleArc).toBe('waiting');
    expect(describeAt({ others: 3, having: 3 }).peopleArc).toBe('filled');
    // Who only reads has made no change that others could have.
    expect(describeAt({ others: 3, having: 3, viewing: true }).peopleArc).toBe('empty');
    expect(describeAt({ others: 3, having: 3, waiting: true }).peopleArc).toBe('empty');
  });

  test.each<[Changes, string]>([
    [{ others: 1 }, 'The other person who is here has not confirmed your last change yet.'],
    [{ others: 1, having: 1 }, 'The other person who is here has your last change.'],
    [{ others: 3 }, 'None of the 3 others who are here has confirmed your last change yet.'],
    [{ others: 3, having: 1 }, '1 of the 3 others who are here has your last change.'],
    [{ others: 3, having: 2 }, '2 of the 3 others who are here have your last change.'],
    [{ others: 2, having: 2 }, 'Both others who are here have your last change.'],
    [{ others: 3, having: 3 }, 'All 3 others who are here have your last change.'],
    [{ others: 1, viewing: true }, '1 other person is here.'],
    [{ others: 2, waiting: true }, '2 other people are here.'],
  ])('[RC1] of the others, %j is said as %j', (changes, sentence) => {
    expect(describeAt(changes).people).toMatch(new RegExp(`^${sentence.replaceAll('.', '[.]')}`));
  });

  test('that others are connected is never called synced, saved or received', () => {
    const status = describeAt({ device: 'device/failed', others: 3, mailbox: { onRelay: false } });
    expect(status.tone).toBe('danger');
    expect(`${status.label} ${status.people} ${status.relay}`).not.toMatch(
      /synced|received|up to date|backed up/i,
    );
  });

  test('each trouble has its own words: what is so, and what is safe or to be done', () => {
    expect(troubles).toHaveLength(8);
    for (const trouble of troubles) {
      const { relay } = describeAt({ mailbox: { trouble, onRelay: false } });
      if (trouble === 'relay/quarantined') continue;
      expect(relay).toContain(catalogue[trouble].what);
      expect(relay).toContain(catalogue[trouble].next);
    }
  });

  test('[SY8] what came and was not what it claimed to be is told in the details, and only then', () => {
    expect(describeAt({}).refused).toBe('');
    expect(describeAt({ mailbox: { dropped: 1 } }).refused).toMatch(/^One message was not/);
    expect(describeAt({ mailbox: { dropped: 12 } }).refused).toMatch(/^12 messages were not/);
  });

  test('since when the relay is silent is said in the details', () => {
    const mailbox = { state: 'unreachable', unreachableSince: 1, onRelay: false } as const;
    expect(describeAt({ mailbox }).relay).toBe(
      'It has not answered since 14:05. What it lacks is kept on this device and sent by itself.',
    );
  });

  test.each<[Changes, string]>([
    [{ online: false }, 'You are offline.'],
    [{ online: false, mailbox: { state: 'unreachable' } }, 'You are offline.'],
    [{ mailbox: { state: 'starting' } }, 'Looking for the session.'],
    [{ mailbox: { state: 'unknown' }, looking: true }, 'Looking for the session.'],
    [{ mailbox: { state: 'unknown' } }, 'Nothing of this session has arrived yet.'],
    [{ mailbox: { state: 'current' } }, 'Nothing of this session has arrived yet.'],
    [{ mailbox: { state: 'current', incomplete: true } }, 'A part of the session is missing.'],
    [{ mailbox: { state: 'unknown' }, viewing: true }, 'This session cannot be shown yet.'],
    [{ mailbox: { state: 'unknown' }, viewing: true, looking: true }, 'This session cannot be shown yet.'],
    [{ mailbox: { state: 'current' }, viewing: true }, 'Nothing of this session has arrived yet.'],
    [{ mailbox: { state: 'unreachable' } }, 'The relay cannot be reached.'],
    [{ mailbox: { state: 'unreachable' }, viewing: true }, 'The relay cannot be reached.'],
    [{ mailbox: { state: 'behind' } }, 'Receiving the session.'],
    // They may be waiting for it themselves.
    [{ mailbox: { state: 'unreachable' }, others: 2 }, 'Waiting for the session.'],
    // Others cannot give a viewer anything but through the relay.
    [{ mailbox: { state: 'unreachable' }, others: 2, viewing: true }, 'The relay cannot be reached.'],
    [{ mailbox: { trouble: 'relay/deleted' } }, 'This session has been deleted from the relay.'],
    [{ mailbox: { trouble: 'relay/refused' } }, catalogue['relay/refused'].what],
    [{ mailbox: { trouble: 'relay/private', state: 'unreachable' } }, catalogue['relay/private'].what],
  ])('a newcomer for whom %j is told %j', (changes, what) => {
    expect(describeWaiting(having({ waiting: true, ...changes })).what).toBe(what);
  });
});

describe('what else the details say', () => {
  const lastTrouble = { code: 'relay/unreachable', at: 1 } as const;

  test('what went wrong and is right again', () => {
    const budget = { code: 'relay/budget-spent', at: 1 } as const;
    expect(describeAt({}).past).toBe('');
    expect(describeAt({ lastTrouble }).past).toBe('At 14:05: The relay could not be reached. That is over.');
    expect(describeAt({ lastTrouble: budget }).past).toContain(catalogue['relay/budget-spent'].what);
  });

  test('[SY16] that others are not reached directly, because what came that way could not be applied', () => {
    expect(describeAt({ isMeshShut: true }).refused).toMatch(/^Something that another browser sent directly/);
  });

  test('nothing is called over that is not', () => {
    expect(describeAt({ lastTrouble, mailbox: { state: 'unreachable' } }).past).toBe('');
    expect(describeAt({ lastTrouble, mailbox: { trouble: 'relay/forked' } }).past).toBe('');
  });

  test.each<[StorageRoom | null, RegExp]>([
    [null, /^$/],
    [
      { used: 1e6, quota: 2e9, persisted: true },
      /^Parley uses 1 MB of the 2 GB that this browser gives it[.]$/,
    ],
    [{ used: 1e6, quota: 2e9, persisted: false }, /may delete it: install Parley, or keep the link[.]$/],
    [{ used: 1_999e6, quota: 2e9, persisted: false }, /nearly all: forget sessions/],
  ])('of the room %j', (room, sentence) => expect(describeRoom(room)).toMatch(sentence));
});

describe('of all that can be the case, nothing that is said claims more', () => {
  const bool = [true, false];
  const devices = ['saving', 'saved', 'device/full', 'device/failed', 'device/unavailable'] as const;
  const states = ['starting', 'behind', 'current', 'unknown', 'unreachable'] as const;
  const hubs = ['connecting', 'connected', 'unreachable'] as const;
  const all = combine({
    ...{ device: devices, online: bool, hub: hubs, viewing: bool, waiting: bool },
    people: [
      { others: 0, having: 0 },
      { others: 1, having: 1 },
      { others: 2, having: 0 },
      { others: 2, having: 1 },
    ],
    ...{ looking: bool, state: states, onRelay: bool, incomplete: bool, quarantined: [0, 1] },
    trouble: [null, ...troubles],
  }).map(({ state, onRelay, incomplete, quarantined, trouble, people, ...facts }) => {
    const unreachableSince = state === 'unreachable' ? 1 : null;
    const mailbox = { ...synced, state, onRelay, incomplete, quarantined, trouble, unreachableSince };
    const whole: SyncFacts = { ...calm, ...facts, ...people, mailbox };
    return { ...whole, mailbox, said: describeAll(whole), status: describeSync(whole) };
  });
  type Case = (typeof all)[number];
  const text = ({ said }: Case) => Object.values(said).join(' | ');
  const isLost = ({ device }: Case) => device !== 'saved' && device !== 'saving';

  /** The first case in which it is not so, with all that is said there. */
  const exception = (where: (one: Case) => boolean, isSo: (one: Case) => boolean) =>
    all.filter(where).find((one) => !isSo(one)) ?? null;

  const isThere =
    /· on the relay|Everything .* is on the relay|relay keeps what was written|Whoever has the link gets it/;
  const promised = ({ said: { label, relay, sharing } }: Case) =>
    isThere.test([label, relay, sharing].join(' | '));

  test('[PR2] [SY19] that work is on the relay only if there is some, the relay has acknowledged it and knows the session', () => {
    expect(
      exception(promised, ({ viewing, waiting, mailbox: { onRelay, state } }) =>
        viewing ? state === 'current' && !waiting : onRelay && !waiting && state !== 'unknown',
      ),
    ).toBeNull();
    expect(
      exception(
        ({ status }) => status.relayArc === 'filled',
        ({ viewing, waiting, mailbox: { state, onRelay, incomplete, quarantined } }) =>
          !waiting &&
          (viewing
            ? state === 'current' && !incomplete && quarantined === 0
            : onRelay && state !== 'unknown'),
      ),
    ).toBeNull();
  });

  test('[PR2] who has nothing of the session is told of nothing that is here, or kept, or written', () => {
    expect(
      exception(
        ({ waiting }) => waiting,
        (one) =>
          !/you write|kept on|last change|stays|is safe|nothing here is lost|Everything/i.test(text(one)),
      ),
    ).toBeNull();
  });

  test('[DOC3] that something is safe, saved or kept on this device only while the device saves', () => {
    expect(
      exception(
        isLost,
        ({ said: { label, device, people, relay, sharing } }) =>
          !/kept on this device|safe on this device|is saved on|On this device|stays|Everything works/.test(
            [label, device.replace(/Free some.*/, ''), people, relay, sharing].join(' | '),
          ),
      ),
    ).toBeNull();
    expect(
      exception(
        ({ device }) => device === 'saving',
        (one) => !/is saved on|kept on this device|On this device/.test(text(one)),
      ),
    ).toBeNull();
  });

  test('[LK11] a viewer is promised nothing about what they write, or what this device sends', () => {
    expect(
      exception(
        ({ viewing }) => viewing,
        (one) =>
          !/you write|last change|was written here|kept on this device|sent by itself|waiting for the relay|edit links? does/.test(
            text(one),
          ),
      ),
    ).toBeNull();
  });

  test('[PR2] that something is missing is said wherever something is, and nobody has all of it then', () => {
    expect(
      exception(
        ({ mailbox }) => mailbox.incomplete,
        ({ said, status }) =>
          said.label.includes('something is missing') &&
          said.notice !== '' &&
          /has not arrived here yet/.test(said.missing) &&
          !/has all/.test(said.relay) &&
          status.tone !== 'calm',
      ),
    ).toBeNull();
    expect(
      exception(
        ({ mailbox }) => !mailbox.incomplete,
        (one) =>
          one.said.missing === '' && !/something is missing ·|· something is missing/.test(one.said.label),
      ),
    ).toBeNull();
    expect(
      exception(
        ({ mailbox, viewing }) => mailbox.quarantined > 0 && viewing,
        ({ said }) => !/relay has told of\.|· on the relay/.test(`${said.relay} ${said.label}`),
      ),
    ).toBeNull();
  });

  test('[PR2] [RC1] that others have the last change only if they have told so', () => {
    expect(
      exception(
        ({ said }) => / with \d/.test(said.label) && !said.label.includes('not yet'),
        ({ said, having, others, viewing, waiting }) =>
          !viewing &&
          !waiting &&
          having > 0 &&
          (having === others
            ? !/with \d+ of/.test(said.label)
            : said.label.includes(`with ${having} of ${others}`)),
      ),
    ).toBeNull();
    expect(
      exception(
        ({ said }) => /(has|have) your last change/.test(said.people),
        ({ having, viewing, waiting }) => having > 0 && !viewing && !waiting,
      ),
    ).toBeNull();
    expect(
      exception(
        ({ status }) => status.peopleArc === 'filled',
        ({ having, others }) => having === others && others > 0,
      ),
    ).toBeNull();
  });

  test('[PR2] that nobody is here only where somebody would be heard, and was looked for', () => {
    expect(
      exception(
        ({ said }) => said.people === 'Nobody else is here now.',
        ({ others, online, looking, viewing, hub, mailbox: { state } }) =>
          others === 0 &&
          online &&
          !looking &&
          !(viewing && state === 'unknown') &&
          (hub === 'connected' || (state !== 'starting' && state !== 'unreachable')),
      ),
    ).toBeNull();
    expect(
      exception(
        ({ said }) => said.people.includes('as you write it'),
        ({ viewing, waiting, online, mailbox: { state, trouble } }) =>
          !viewing &&
          !waiting &&
          online &&
          state !== 'unreachable' &&
          (trouble === null || trouble === 'relay/quarantined'),
      ),
    ).toBeNull();
  });

  test('[PR2] the one who hands on a link whose receiver may find less is told to stay', () => {
    expect(
      exception(
        ({ viewing, waiting, mailbox: { trouble, onRelay } }) =>
          !viewing && !waiting && trouble !== 'relay/deleted' && !onRelay,
        ({ said }) => /keep this tab open/i.test(said.sharing),
      ),
    ).toBeNull();
    expect(
      exception(
        ({ online, waiting, viewing, mailbox: { onRelay, state } }) =>
          !online && !waiting && !viewing && onRelay && state !== 'unknown',
        ({ said }) =>
          !/so nobody else has to be online/.test(said.sharing) ||
          /offline|no more room|used up/.test(said.sharing),
      ),
    ).toBeNull();
  });

  test('what has to be seen on a phone is there whenever work could be lost, is stuck, or something is missing', () => {
    expect(exception(isLost, ({ said }) => /Not saved|Only in this tab/.test(said.notice))).toBeNull();
    expect(
      exception(
        (one) =>
          !isLost(one) && one.online && one.mailbox.state === 'unreachable' && one.mailbox.trouble === null,
        ({ said }) => said.notice === 'relay unreachable',
      ),
    ).toBeNull();
    expect(describeAt({}).notice).toBe('');
    expect(describeAt({ device: 'saving', mailbox: { onRelay: false } }).notice).toBe('');
    expect(describeAt({ mailbox: { trouble: 'relay/quota-exceeded' } }).notice).toBe('relay: full');
  });

  test('every sentence has words, a capital letter and an end', () => {
    expect(
      exception(
        () => true,
        ({ said: { label, notice, ...sentences } }) =>
          label !== '' &&
          !/undefined|null/.test(label + notice) &&
          Object.values(sentences).every((words) => words === '' || /^[A-Z0-9].*[.]$/.test(words)),
      ),
    ).toBeNull();
  });
});

type Choices = Record<string, readonly unknown[]>;
type Chosen<Every extends Choices> = { [Key in keyof Every]: Every[Key][number] };

/** Every way to choose one of each. */
function combine<const Every extends Choices>(choices: Every): Chosen<Every>[] {
  return Object.entries(choices).reduce<Record<string, unknown>[]>(
    (chosen, [key, values]) => chosen.flatMap((one) => values.map((value) => ({ ...one, [key]: value }))),
    [{}],
  ) as Chosen<Every>[];
}
