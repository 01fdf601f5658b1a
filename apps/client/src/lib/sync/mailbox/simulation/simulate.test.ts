import { describe, expect, it } from 'vitest';
import { PROFILES, type ProfileName } from './profiles.ts';
import { simulate, type Played } from './world.ts';

/** How many seeds every profile plays. `pnpm fuzz` plays others. */
const SEEDS = 30;

const profiles = Object.keys(PROFILES) as ProfileName[];

describe('simulation', () => {
  it.each(profiles)('[SY1] … [SY21] hold, whatever happens (%s)', { timeout: 120_000 }, async (profile) => {
    const all: Played[] = [];
    for (let seed = 0; seed < SEEDS; seed++) all.push(await simulate(seed, profile));
    const sum = (what: 'envelopes' | 'snapshots' | 'deceived' | 'refused') =>
      all.reduce((total, played) => total + played[what], 0);
    // A simulation in which nothing happens proves nothing.
    expect(sum('envelopes')).toBeGreaterThan(SEEDS * 5);
    expect(sum('snapshots')).toBeGreaterThan(0);
    if (profile === 'hostile relay') expect(sum('deceived')).toBeGreaterThan(SEEDS / 2);
    if (profile !== 'honest') expect(sum('refused')).toBeGreaterThan(SEEDS);
  });

  it('the same seed gives the same simulation', async () => {
    expect(await simulate(3, 'flaky')).toEqual(await simulate(3, 'flaky'));
  });
});
