import { describe, expect, it } from 'vitest';
import { PROFILES, type ProfileName } from './profiles.ts';
import { simulate, type Played } from './world.ts';

/** How many seeds every profile plays. `pnpm fuzz` plays others. */
const SEEDS = 21;

const profiles = Object.keys(PROFILES) as ProfileName[];

describe('simulation', () => {
  it.each(profiles)('[SY1] … [SY23] hold, whatever happens (%s)', { timeout: 300_000 }, async (profile) => {
    const all: Played[] = [];
    for (let seed = 0; seed < SEEDS; seed++) all.push(await simulate(seed, profile));
    const sum = (what: 'envelopes' | 'snapshots' | 'deceived' | 'refused' | 'limited' | 'failedAmid') =>
      all.reduce((total, played) => total + played[what], 0);
    // A simulation in which nothing happens proves nothing.
    expect(sum('envelopes')).toBeGreaterThan(SEEDS * 5);
    expect(sum('snapshots')).toBeGreaterThan(0);
    if (profile === 'hostile relay') expect(sum('deceived')).toBeGreaterThan(SEEDS / 2);
    if (profile === 'limited') expect(sum('limited')).toBeGreaterThan(SEEDS);
    if (profile === 'deadly') expect(sum('failedAmid')).toBeGreaterThan(SEEDS);
    if (profile === 'deleted')
      expect(all.filter(({ isDeleted }) => isDeleted).length).toBeGreaterThan(SEEDS / 2);
    expect(all.filter(({ isWhole }) => isWhole).length).toBeGreaterThan(SEEDS * 0.8);
    const isCalm = profile === 'honest' || profile === 'limited' || profile === 'deleted';
    if (!isCalm) expect(sum('refused')).toBeGreaterThan(SEEDS);
  });

  it.each([
    ['[SY16] a suspicion that another failure draws off comes back', 'deadly', 214],
    ['[SY19] an edit while the device writes takes back what was said of the relay', 'mixed versions', 4],
  ] as const)('%s (%s, seed %i)', async (_promise, profile, seed) => {
    expect((await simulate(seed, profile)).envelopes).toBeGreaterThan(0);
  });

  it('the same seed gives the same simulation', async () => {
    expect(await simulate(3, 'flaky')).toEqual(await simulate(3, 'flaky'));
  });
});
