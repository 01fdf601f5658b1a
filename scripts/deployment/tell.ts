import { appendFileSync } from 'node:fs';
import { describeReturn, isAlarming } from './summary.ts';
import type { Returned } from './go-back.ts';

/** Writes to one of the files that GitHub names for a step; elsewhere, to none. */
export function tellGitHub(variable: 'GITHUB_STEP_SUMMARY' | 'GITHUB_OUTPUT', text: string): void {
  const file = process.env[variable];
  if (file) appendFileSync(file, text);
}

/** Says what became of going back; on GitHub, where it stands above everything else of the run when somebody has to look. */
export function tellReturn(returned: Returned): void {
  const words = describeReturn(returned).replaceAll('**', '');
  const isLoud = isAlarming(returned);
  const annotation = isLoud && process.env['GITHUB_ACTIONS'] ? '::error title=Rollback::' : '';
  (isLoud ? console.error : console.log)(`${annotation}${words}`);
}
