import { VariableError } from '@parley/signaling/variables';
import { describe, expect, it } from 'vitest';
import { isOwner, mayAsk, readAdvisorAccess, type AdvisorVariables } from './advisor.ts';

const OWN = 'advisor-key-0123456789';
const SECOND = 'advisor-key-9876543210';
const RELAY = 'relay-key-0123456789';

const advisorKeys = { ADVISOR_ACCESS_KEYS: `${OWN}, ${SECOND}\n` };
const relayKeys = { RELAY_ACCESS_KEYS: RELAY };

/** Who may ask: with the advisor's keys, with the relay's, with another one, and with none. */
function admitted(variables: AdvisorVariables, costsMoney: boolean): string[] {
  const advisor = readAdvisorAccess(variables, costsMoney);
  const keys = { own: OWN, second: SECOND, relay: RELAY, other: 'other-key-0123456789', none: null };
  return Object.entries(keys).flatMap(([name, key]) => (mayAsk(advisor, key) ? [name] : []));
}

const ALL = ['own', 'second', 'relay', 'other', 'none'];

describe('the rule', () => {
  it.each<[string, AdvisorVariables, boolean, string[]]>([
    ['nothing is set, and it costs nothing: all', {}, false, ALL],
    ['nothing is set, and it costs money: nobody', {}, true, []],
    ['it costs nothing, on a relay with keys: those', relayKeys, false, ['relay']],
    ['it costs money, on a relay with keys: those', relayKeys, true, ['relay']],
    ['it costs money, with keys of its own: those', advisorKeys, true, ['own', 'second']],
    ['both have keys: its own', { ...advisorKeys, ...relayKeys }, true, ['own', 'second']],
    ['open, though it costs money: all', { ADVISOR_ACCESS: 'open' }, true, ALL],
    ['open, on a relay with keys: those', { ADVISOR_ACCESS: 'open', ...relayKeys }, true, ['relay']],
    [
      'open, with keys of its own, which count for nothing',
      { ADVISOR_ACCESS: 'open', ...advisorKeys },
      true,
      ALL,
    ],
    [
      'key, though it costs nothing: its own',
      { ADVISOR_ACCESS: 'key\n', ...advisorKeys },
      false,
      ['own', 'second'],
    ],
    ['key, without any: nobody', { ADVISOR_ACCESS: 'key' }, false, []],
    ['key, with a list of nothing: nobody', { ADVISOR_ACCESS: 'key', ADVISOR_ACCESS_KEYS: ' ' }, false, []],
    ['off: nobody', { ADVISOR_ACCESS: 'off', ...advisorKeys, ...relayKeys }, false, []],
    ['a rule that is empty is none', { ADVISOR_ACCESS: ' ', ...advisorKeys }, true, ['own', 'second']],
  ])('[LLM10] %s', (_, variables, costsMoney, expected) => {
    expect(admitted(variables, costsMoney)).toEqual(expected);
  });

  it('[LLM10] a key is compared whole', () => {
    const advisor = readAdvisorAccess(advisorKeys, true);
    for (const key of ['', OWN.slice(0, -1), `${OWN}0`, OWN.toUpperCase(), `${OWN}, ${SECOND}`, ` ${OWN}`]) {
      expect(mayAsk(advisor, key)).toBe(false);
    }
  });

  it.each<[string, AdvisorVariables]>([
    ['ADVISOR_ACCESS', { ADVISOR_ACCESS: 'sesame' }],
    ['ADVISOR_ACCESS', { ADVISOR_ACCESS: 'Open' }],
    ['ADVISOR_ACCESS_KEYS', { ADVISOR_ACCESS: 'key', ADVISOR_ACCESS_KEYS: 'sesame' }],
    ['ADVISOR_ACCESS_KEYS', { ADVISOR_ACCESS: 'key', ADVISOR_ACCESS_KEYS: `${OWN},` }],
    ['ADVISOR_ACCESS_KEYS', { ADVISOR_ACCESS: 'key', ADVISOR_ACCESS_KEYS: 'open sesame 0123456789' }],
    ['RELAY_ACCESS_KEYS', { ADVISOR_ACCESS: 'key', RELAY_ACCESS_KEYS: 'sesame' }],
    ['RELAY_ACCESS_KEYS', { ADVISOR_ACCESS: 'open', RELAY_ACCESS_KEYS: 'sesame' }],
  ])('[LLM10] a mistake names %s, and no value: %j', (variable, variables) => {
    const act = () => readAdvisorAccess(variables, true);
    expect(act).toThrow(VariableError);
    expect(act).toThrow(new RegExp(`^${variable} has to be `));
    expect(act).not.toThrow(/sesame|Open|advisor-key/);
  });
});

describe('the owner', () => {
  it('[LLM15] [LLM16] is who has the key', () => {
    expect(isOwner(`${OWN}\n`, OWN)).toBe(true);
    for (const key of ['', 'other', OWN.slice(1), `${OWN}\n`]) expect(isOwner(OWN, key)).toBe(false);
  });

  it.each([undefined, '', ' \n'])('[LLM16] is nobody where the key is %j', (ownerKey) => {
    for (const key of ['', ' ', 'undefined', OWN]) expect(isOwner(ownerKey, key)).toBe(false);
  });

  it.each(['sesame', `${OWN},${SECOND}`, `${OWN} ${SECOND}`])(
    '[LLM16] %s is no key, which is not quoted',
    (key) => {
      for (const act of [() => isOwner(key, OWN), () => isOwner(key, key)]) {
        expect(act).toThrow(/^OWNER_KEY has to be a key /);
        expect(act).not.toThrow(/sesame|advisor-key/);
      }
    },
  );
});
