/**
 * `pnpm deploy:staging`, `pnpm deploy:production`: deploys what is checked out, with a smoke test, and goes back when that fails.
 * What it takes from environment variables is in deployment/settings.ts; docs/operations.md says how to begin.
 */
import { execFileSync } from 'node:child_process';
import { buildClient } from './build.ts';
import { deploy } from './deployment/deploy.ts';
import { isEnvironment } from './deployment/environments.ts';
import { readSettings } from './deployment/settings.ts';
import { isAlarming, summarize, summarizeNothing } from './deployment/summary.ts';
import { tellGitHub, tellReturn } from './deployment/tell.ts';
import { spawnWrangler } from './deployment/wrangler.ts';
import { smokeTest, SPREADING } from './smoke/smoke.ts';

const [environment, ...others] = process.argv.slice(2);
if (!isEnvironment(environment) || others.length > 0) {
  console.error('Usage: node scripts/deploy.ts staging|production');
  process.exit(2);
}

let version = 'nothing';
try {
  version = describeCheckout();
  const { address, accessKey, steps, location } = readSettings(process.env);
  buildClient();
  const say = (text: string) => void process.stdout.write(text);
  const order = { environment, version, address, steps, location };
  const deployed = await deploy(order, {
    wrangler: spawnWrangler({ say }),
    smoke: (target) =>
      smokeTest({ ...target, accessKey, patience: SPREADING, say: (line) => say(`${line}\n`) }),
    say,
  });
  const summary = summarize(environment, version, deployed);
  console.log(`\n${summary}`);
  tellGitHub('GITHUB_STEP_SUMMARY', summary);
  if (deployed.address !== null) tellGitHub('GITHUB_OUTPUT', `url=${deployed.address}\n`);
  if (isAlarming(deployed.returned)) tellReturn(deployed.returned);
  process.exitCode = deployed.ok ? 0 : 1;
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  console.error(reason);
  tellGitHub('GITHUB_STEP_SUMMARY', summarizeNothing(environment, version, reason));
  process.exitCode = 1;
}

/** The commit in twelve digits, and whether the files differ from it. */
function describeCheckout(): string {
  return execFileSync('git', ['describe', '--always', '--dirty', '--abbrev=12', '--exclude=*'], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
  }).trim();
}
