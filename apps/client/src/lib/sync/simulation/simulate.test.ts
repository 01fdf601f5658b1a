import { describe, expect, it } from 'vitest';
import { PROFILES, type ProfileName } from './profiles.ts';
import { simulate, type Played } from './world.ts';

/** How many seeds every profile plays; those in which devices have several tabs take longer. `pnpm fuzz` plays others. */
const SEEDS = { alone: 14, tabs: 12 } as const;

const profiles = Object.keys(PROFILES) as ProfileName[];

describe('simulation', () => {
  it.each(profiles)('[SY1] … [SY24] hold, whatever happens (%s)', { timeout: 300_000 }, async (profile) => {
    const isOfTabs = PROFILES[profile].tabs > 1;
    const seeds = isOfTabs ? SEEDS.tabs : SEEDS.alone;
    const all: Played[] = [];
    for (let seed = 0; seed < seeds; seed++) all.push(await simulate(seed, profile));
    const sumOf = (count: (played: Played) => number) => all.reduce((sum, played) => sum + count(played), 0);
    const sum = (what: 'envelopes' | 'snapshots' | 'deceived' | 'refused' | 'limited' | 'failedAmid') =>
      sumOf((played) => played[what]);
    // A simulation in which nothing happens proves nothing.
    expect(sum('envelopes')).toBeGreaterThan(seeds * 5);
    // What nobody understands is in the way of a snapshot.
    if (profile !== 'mixed versions') expect(sum('snapshots')).toBeGreaterThan(0);
    expect(sumOf(({ claims }) => claims.having)).toBeGreaterThan(seeds * 50);
    if (profile === 'hostile relay') expect(sum('deceived')).toBeGreaterThan(seeds / 2);
    if (profile === 'limited') expect(sum('limited')).toBeGreaterThan(seeds);
    if (profile === 'deadly') expect(sum('failedAmid')).toBeGreaterThan(seeds);
    if (profile === 'deleted')
      expect(all.filter(({ isDeleted }) => isDeleted).length).toBeGreaterThan(seeds / 2);
    expect(all.filter(({ isWhole }) => isWhole).length).toBeGreaterThan(seeds * 0.8);
    // Only where somebody forges is anybody said to.
    const areForged = profile === 'hostile relay' || profile === 'hostile viewer';
    if (areForged) expect(sum('refused')).toBeGreaterThan(seeds);
    if (profile === 'flaky' || profile === 'crashing') expect(sum('refused')).toBe(0);
    if (isOfTabs) expect(sumOf(({ claims }) => claims.followers)).toBeGreaterThan(seeds * 10);
    if (profile === 'two leaders') expect(sumOf(({ doubles }) => doubles)).toBeGreaterThan(seeds / 2);
    if (profile === 'vanishing') {
      expect(sumOf(({ chunked }) => chunked.whole)).toBeGreaterThan(seeds / 2);
      expect(sumOf(({ chunked }) => chunked.torn)).toBeGreaterThan(2);
    }
  });

  it.each([
    ['[SY19] an edit while the device writes takes back what was said of the relay', 'tabs', 1],
  ] as const)('%s (%s, seed %i)', async (_promise, profile, seed) => {
    expect((await simulate(seed, profile)).envelopes).toBeGreaterThan(0);
  });

  it('the same seed gives the same simulation', { timeout: 60_000 }, async () => {
    expect(await simulate(3, 'flaky')).toEqual(await simulate(3, 'flaky'));
    expect(await simulate(3, 'two leaders')).toEqual(await simulate(3, 'two leaders'));
  });
});
