import { parse } from 'yaml';
import * as z from 'zod';

const step = z.object({ uses: z.string().optional(), run: z.string().optional() });

const workflow = z.object({
  on: z.union([z.string(), z.array(z.string()), z.record(z.string(), z.unknown())]),
  permissions: z.record(z.string(), z.string()),
  jobs: z.record(
    z.string(),
    z.object({
      permissions: z.record(z.string(), z.string()).optional(),
      steps: z.array(step).optional(),
      uses: z.string().optional(),
    }),
  ),
});

/**
 * What actionlint does not ask of a workflow: that foreign code is named by its whole hash, that the token it gets can read only,
 * that what strangers write never becomes part of a command, and that nothing a pull request starts sees a secret.
 *
 * @returns what is wrong, a sentence each
 */
export function findBreaches(source: string): string[] {
  const { data, error } = workflow.safeParse(parse(source));
  if (!data) return [`It is no workflow that says its permissions: ${error.message}`];
  const jobs = Object.entries(data.jobs);
  const breaches: string[] = [];
  const granted = [data.permissions, ...jobs.map(([, job]) => job.permissions ?? {})];
  for (const [scope, level] of granted.flatMap((permissions) => Object.entries(permissions))) {
    if (level !== 'read' && level !== 'none') breaches.push(`It asks for ${scope}: ${level}.`);
  }
  for (const [name, job] of jobs) {
    const steps = job.steps ?? [];
    for (const uses of [job, ...steps].flatMap((user) => user.uses ?? [])) {
      if (!uses.startsWith('./') && !/@[0-9a-f]{40}$/.test(uses)) {
        breaches.push(`${name} uses ${uses} by a name that can come to mean something else.`);
      }
    }
    if (steps.some(({ run }) => run?.includes('${{'))) {
      breaches.push(`${name} puts an expression into a command; a variable of its environment is safe.`);
    }
  }
  const events =
    typeof data.on === 'string' ? [data.on] : Array.isArray(data.on) ? data.on : Object.keys(data.on);
  if (events.includes('pull_request_target'))
    breaches.push('Strangers’ pull requests start it with secrets.');
  if (events.includes('pull_request') && /\bsecrets\b/.test(source)) {
    breaches.push('A pull request starts it, and it names secrets.');
  }
  return breaches;
}
