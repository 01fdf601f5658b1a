import { describe, expect, it } from 'vitest';
import { World, type Played } from './simulation/world.ts';

const SEEDS = 30;

describe('receipts, simulated', () => {
  it('[RC1] [RC5] nobody is said to have what they have not, and in the end everybody gets every receipt', async () => {
    const all: Played[] = [];
    for (let seed = 0; seed < SEEDS; seed++) all.push(await new World(seed).play());
    // A simulation in which nothing happens proves nothing.
    const sum = (what: keyof Played) => all.reduce((total, played) => total + played[what], 0);
    expect(sum('given')).toBeGreaterThan(SEEDS * 500);
    expect(sum('probes')).toBeGreaterThan(SEEDS * 50);
    expect(sum('lies')).toBeGreaterThan(SEEDS);
  }, 300_000);
});
