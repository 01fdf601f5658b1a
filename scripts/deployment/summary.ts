import type { Deployed } from './deploy.ts';
import { ENVIRONMENTS, type Environment } from './environments.ts';
import type { Returned } from './go-back.ts';

/** What became of a deployment, in Markdown, as GitHub shows it under a job. */
export function summarize(environment: Environment, version: string, deployed: Deployed): string {
  const { ok, way, address, reason, returned } = deployed;
  const mark = ok ? '✅' : isAlarming(returned) ? '🚨' : '❌';
  const lines = [
    `### ${mark} ${environment}: ${version}`,
    `${ENVIRONMENTS[environment].worker} at ${address ?? 'an unknown address'}, ${way === 'gradual' ? 'tested before anybody got it' : 'deployed plainly, to everybody at once'}.`,
    ...(reason === null ? [] : [reason]),
    ...(ok ? [] : [returned ? describeReturn(returned) : NOTHING_BEFORE]),
  ];
  return `${lines.join('\n\n')}\n`;
}

/** A deployment that ended before it changed anything that serves. */
export function summarizeNothing(environment: Environment, version: string, reason: string): string {
  return `### ❌ ${environment}: ${version}\n\n${reason}\n\nNothing that serves was changed.\n`;
}

const NOTHING_BEFORE = 'Nothing served before, so this version stays. Deploy another one.';

/** What serves after going back, and whether it works. */
export function describeReturn({ outcome, version }: Returned): string {
  switch (outcome) {
    case 'done':
      return `What served before serves again (${version}), and its smoke test passed. The database stays as it is: its migrations only add.`;
    case 'unproved':
      return `**What served before (${version ?? 'of an unknown version'}) was to serve again, and its smoke test did not pass.** Perhaps nothing works now: see what the smoke test says, and docs/operations.md.`;
    case 'failed':
      return '**Going back failed, and what served until then still serves.** wrangler says why; it does not go back behind a change of the Durable Objects’ classes. Deploy another version.';
  }
}

/** Whether somebody has to look at once. */
export function isAlarming(returned: Returned | null): returned is Returned {
  return returned !== null && returned.outcome !== 'done';
}
