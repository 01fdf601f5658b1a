/**
 * `pnpm fuzz [--seeds N | --minutes M] [--from S] [--profile P]`: simulates sessions beyond the seeds that the tests play, and
 * prints what breaks a promise, with what led there. Fails if anything did.
 */
import { parseArgs } from 'node:util';
import { World } from '../apps/client/src/lib/sync/receipts/simulation/world.ts';
import { PROFILES, type ProfileName } from '../apps/client/src/lib/sync/simulation/profiles.ts';
import { simulate } from '../apps/client/src/lib/sync/simulation/world.ts';
import { simulate as simulateTabs } from '../apps/client/src/lib/sync/tabs/simulation/world.ts';

/** The whole in all its profiles, and two of its parts alone, which get to more corners of them. */
const games = new Map<string, (seed: number) => Promise<unknown>>([
  ...(Object.keys(PROFILES) as ProfileName[]).map(
    (profile) => [profile, (seed: number) => simulate(seed, profile)] as const,
  ),
  ['tabs alone', (seed) => simulateTabs(seed)],
  ['receipts alone', (seed) => new World(seed).play()],
]);

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    minutes: { type: 'string' },
    from: { type: 'string', default: '1000' },
    profile: { type: 'string' },
  },
});
const chosen = [...games].filter(([name]) => values.profile === undefined || name === values.profile);
if (chosen.length === 0)
  throw new Error(`there is no profile “${values.profile}”, only ${[...games.keys()].join(', ')}`);
const from = Number(values.from);
const until = values.minutes === undefined ? Infinity : performance.now() + Number(values.minutes) * 60_000;
const seeds = Number(values.seeds ?? (values.minutes === undefined ? 500 : Infinity));

const failed: string[] = [];
let played = 0;
for (let seed = from; seed < from + seeds && performance.now() < until; seed++) {
  const [name, play] = chosen[seed % chosen.length] ?? [];
  try {
    await play?.(seed);
  } catch (error) {
    failed.push(`${seed} (${name})`);
    console.error(`seed ${seed} (${name})`, error instanceof Error ? error.message : error);
  }
  played += 1;
}
console.log(
  `${played} seeds from ${from}, ${failed.length} broke a promise${failed.length > 0 ? `: ${failed.join(', ')}` : ''}`,
);
if (failed.length > 0) process.exitCode = 1;
