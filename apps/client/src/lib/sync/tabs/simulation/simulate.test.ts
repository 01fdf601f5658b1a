import { describe, expect, it } from 'vitest';
import { simulate, type Played } from './world.ts';

const SEEDS = 200;

describe('simulation', () => {
  it('[TB1] … [TB9] hold, whatever happens to the tabs', { timeout: 120_000 }, async () => {
    const all: Played[] = [];
    const failed: string[] = [];
    for (let seed = 0; seed < SEEDS; seed++) {
      try {
        all.push(await simulate(seed));
      } catch (error) {
        failed.push(`seed ${seed}: ${String(error)}`);
      }
    }
    expect(failed).toEqual([]);
    const sum = (what: keyof Played) => all.reduce((total, played) => total + played[what], 0);
    // A simulation in which nothing happens proves nothing.
    for (const what of ['opened', 'killed', 'takeovers', 'changes', 'believed'] as const)
      expect(sum(what), what).toBeGreaterThan(SEEDS * 2);
  });

  it.each([
    ['[TB9] what a leader tells is of all that its document holds, also of what it has not told yet', 56],
    ['[TB9] a whole document that is handed on brings more than was told of it', 1],
    ['[TB9] what builds on something that is missing is not counted as if it were there', 107],
    ['[TB5] a leader knows of a tab that was frozen when it asked who is there', 29],
    ['[TB8] who has ended stays gone, though a tab that was frozen still tells of it', 183],
    ['[TB1] a lock that is stolen before it is known to be held is no reason to lead alone', 3],
  ])('%s (seed %i)', async (_promise, seed) => {
    expect((await simulate(seed)).opened).toBeGreaterThan(0);
  });

  it('the same seed gives the same simulation', async () => {
    expect(await simulate(3)).toEqual(await simulate(3));
  });
});
