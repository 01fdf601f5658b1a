/**
 * `pnpm fuzz [--seeds N | --minutes M] [--from S] [--profile P]`: simulates mailboxes beyond the seeds that the tests play, and
 * prints what breaks a promise, with what led there. Fails if anything did.
 */
import { parseArgs } from 'node:util';
import { PROFILES, type ProfileName } from '../apps/client/src/lib/sync/mailbox/simulation/profiles.ts';
import { simulate } from '../apps/client/src/lib/sync/mailbox/simulation/world.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    minutes: { type: 'string' },
    from: { type: 'string', default: '1000' },
    profile: { type: 'string' },
  },
});
const isProfile = (name: string): name is ProfileName => name in PROFILES;
const { profile } = values;
if (profile !== undefined && !isProfile(profile)) {
  throw new Error(`there is no profile “${profile}”, only ${Object.keys(PROFILES).join(', ')}`);
}
const from = Number(values.from);
const until = values.minutes === undefined ? Infinity : performance.now() + Number(values.minutes) * 60_000;
const seeds = Number(values.seeds ?? (values.minutes === undefined ? 500 : Infinity));

const failed: number[] = [];
let played = 0;
for (let seed = from; seed < from + seeds && performance.now() < until; seed++) {
  try {
    await simulate(seed, profile);
  } catch (error) {
    failed.push(seed);
    console.error(error instanceof Error ? error.message : error);
  }
  played += 1;
}
console.log(
  `${played} seeds from ${from}, ${failed.length} broke a promise${failed.length > 0 ? `: ${failed.join(', ')}` : ''}`,
);
if (failed.length > 0) process.exitCode = 1;
