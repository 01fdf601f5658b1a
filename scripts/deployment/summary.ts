import type { Deployed } from './deploy.ts';
import { ENVIRONMENTS, type Environment } from './environments.ts';

const ROLLBACKS: Record<Deployed['rollback'], string> = {
  'not needed': '',
  'nothing before': 'Nothing served before, so this version stays. Deploy another one.',
  done: 'What served before serves again. The database stays as it is: its migrations only add.',
  failed:
    'What served before could not be brought back; a change of the Durable Objects’ classes does not go back. Deploy another version.',
};

/** What became of a deployment, in Markdown, as GitHub shows it under a job. */
export function summarize(environment: Environment, version: string, deployed: Deployed): string {
  const { ok, way, address, reason, rollback } = deployed;
  const lines = [
    `### ${ok ? '✅' : '❌'} ${environment}: ${version}`,
    `${ENVIRONMENTS[environment].worker} at ${address ?? 'an unknown address'}, ${way === 'gradual' ? 'tested before anybody got it' : 'deployed plainly, to everybody at once'}.`,
    ...(reason === null ? [] : [reason]),
    ...(ROLLBACKS[rollback] === '' ? [] : [ROLLBACKS[rollback]]),
  ];
  return `${lines.join('\n\n')}\n`;
}
