import { describe, expect, it } from 'vitest';
import { longestAttempts, pauseBefore, planAttempts, restFor, type Resting } from './attempts.ts';
import type { Failure } from './failures.ts';
import type { Provider } from './providers.ts';

const NOW = 1_800_000_000_000;

const provider = (name: string, ...models: string[]): Provider => ({
  ...{ name, baseUrl: `https://${name}.example`, apiKey: null, isFree: false, lengthParameter: 'max_tokens' },
  models: new Map(models.map((model) => [model, model])),
});

const one = provider('one', 'small', 'large');
const two = provider('two', 'small');
const three = provider('three', 'small', 'large');
const all = [one, two, three];

const failure = (changes: Partial<Failure> = {}): Failure => ({
  ...{ code: 'llm/upstream-busy', isPassing: true, retryAfter: null, mayCost: false },
  ...changes,
});

/** Who is asked, or in how many seconds. */
function plan(providers: readonly Provider[], model: string, resting: [string, number][] = []) {
  const planned = planAttempts(providers, model, new Map(resting), NOW);
  return 'turns' in planned ? planned.turns.map(({ name }) => name) : planned.retryAfter;
}

describe('turns', () => {
  it('[LLM6] are in the order of the configuration, of those that have the model', () => {
    expect(plan(all, 'small')).toEqual(['one', 'two', 'three']);
    expect(plan(all, 'large')).toEqual(['one', 'three']);
    expect(plan([three, one], 'large')).toEqual(['three', 'one']);
  });

  it('[LLM13] take as long as each may, with the pause before it', () => {
    expect(longestAttempts(20, 90_000)).toBe(1_900_000);
  });

  it('[LLM6] the only one that has the model has two', () => {
    expect(plan([one], 'small')).toEqual(['one', 'one']);
    expect(plan([two, one], 'large')).toEqual(['one', 'one']);
  });

  it('[LLM6] who rests has none, until it has rested', () => {
    expect(plan(all, 'small', [['one', NOW + 1]])).toEqual(['two', 'three']);
    expect(plan(all, 'small', [['one', NOW]])).toEqual(['one', 'two', 'three']);
    expect(plan(all, 'small', [['two', NOW + 9_000]])).toEqual(['one', 'three']);
  });

  it('[LLM6] who is left while others rest has one', () => {
    expect(plan(all, 'large', [['one', NOW + 1]])).toEqual(['three']);
  });

  it('[LLM6] while all rest, tells when the first is back, in whole seconds', () => {
    const resting: [string, number][] = [
      ['one', NOW + 9_001],
      ['two', NOW + 1],
      ['three', NOW + 9_500],
    ];
    expect(plan(all, 'small', resting)).toBe(1);
    expect(plan(all, 'large', resting)).toBe(10);
    expect(plan([one], 'small', resting)).toBe(10);
  });
});

describe('a pause', () => {
  it('[LLM6] is none before another provider', () => {
    expect(pauseBefore(two, one, failure(), 0.5)).toBe(0);
    expect(pauseBefore(two, one, failure({ retryAfter: 60 }), 0.5)).toBe(0);
  });

  it.each([
    [null, 0, 250],
    [null, 1, 500],
    [0, 0.5, 0],
    [1, 0.5, 1_000],
    [5, 0.5, 5_000],
  ])('[LLM6] before the same one, for %j seconds and at random %d, is %i ms', (retryAfter, random, pause) => {
    expect(pauseBefore(one, one, failure({ retryAfter }), random)).toBe(pause);
  });

  it('[LLM6] of more than 5 seconds is none that anybody waits for', () => {
    expect(pauseBefore(one, one, failure({ retryAfter: 6 }), 0.5)).toBeNull();
  });

  it('[LLM6] there is none before the same one where the first time may have cost; another one is asked', () => {
    expect(pauseBefore(one, one, failure({ mayCost: true }), 0.5)).toBeNull();
    expect(pauseBefore(two, one, failure({ mayCost: true }), 0.5)).toBe(0);
  });

  it('[LLM6] there is none after the last turn, nor after what does not pass', () => {
    expect(pauseBefore(undefined, one, failure(), 0.5)).toBeNull();
    expect(pauseBefore(two, one, failure({ isPassing: false }), 0.5)).toBeNull();
    expect(pauseBefore(one, one, failure({ isPassing: false, retryAfter: 1 }), 0.5)).toBeNull();
  });
});

describe('rest', () => {
  const restAfter = (retryAfter: number | null) => {
    const resting: Resting = new Map([['two', 5]]);
    restFor(resting, one, failure({ retryAfter }), NOW);
    return Object.fromEntries(resting);
  };

  it('[LLM6] has who says to come back later than in 5 seconds', () => {
    expect(restAfter(6)).toEqual({ one: NOW + 6_000, two: 5 });
    expect(restAfter(86_400)).toEqual({ one: NOW + 86_400_000, two: 5 });
  });

  it.each([null, 0, 5])('[LLM6] %j gives none', (retryAfter) => {
    expect(restAfter(retryAfter)).toEqual({ two: 5 });
  });
});
