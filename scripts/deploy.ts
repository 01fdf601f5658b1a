/**
 * `pnpm deploy:staging`, `pnpm deploy:production`: deploys what is checked out, with a smoke test, and goes back when that fails.
 * What it takes from environment variables is in deployment/settings.ts; docs/operations.md says how to begin.
 */
import { execFileSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { buildClient } from './build.ts';
import { deploy, type SmokeTarget } from './deployment/deploy.ts';
import { isEnvironment } from './deployment/environments.ts';
import { readSettings } from './deployment/settings.ts';
import { summarize } from './deployment/summary.ts';
import { spawnWrangler } from './deployment/wrangler.ts';
import { smokeTest } from './smoke/smoke.ts';

/** Cloudflare tells all its places within seconds. */
const PATIENCE = 90_000;

const [environment, ...others] = process.argv.slice(2);
if (!isEnvironment(environment) || others.length > 0) {
  console.error('Usage: node scripts/deploy.ts staging|production');
  process.exit(2);
}

try {
  const { address, accessKey, steps, location } = readSettings(process.env);
  const version = describeCheckout();
  buildClient();
  const say = (text: string) => void process.stdout.write(text);
  const order = { environment, version, address, steps, location };
  const deployed = await deploy(order, {
    wrangler: spawnWrangler({ say }),
    smoke: (target: SmokeTarget) =>
      smokeTest({ ...target, accessKey, patience: PATIENCE, say: (line) => say(`${line}\n`) }),
    say,
  });
  const summary = summarize(environment, version, deployed);
  console.log(`\n${summary}`);
  tellGitHub('GITHUB_STEP_SUMMARY', summary);
  if (deployed.address !== null) tellGitHub('GITHUB_OUTPUT', `url=${deployed.address}\n`);
  process.exitCode = deployed.ok ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

/** The commit in twelve digits, and whether the files differ from it. */
function describeCheckout(): string {
  return execFileSync('git', ['describe', '--always', '--dirty', '--abbrev=12', '--exclude=*'], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
  }).trim();
}

/** GitHub names files that a step may write to. */
function tellGitHub(variable: string, text: string): void {
  const file = process.env[variable];
  if (file) appendFileSync(file, text);
}
