import { parse } from 'yaml';
import * as z from 'zod';

const step = z.object({
  uses: z.string().optional(),
  run: z.string().optional(),
  with: z.record(z.string(), z.unknown()).default({}),
  env: z.record(z.string(), z.unknown()).optional(),
});

const job = z.looseObject({
  permissions: z.record(z.string(), z.string()).default({}),
  environment: z.object({ name: z.string(), url: z.string() }).optional(),
  concurrency: z.object({ group: z.string(), 'cancel-in-progress': z.boolean() }).optional(),
  steps: z.array(step).default([]),
  uses: z.string().optional(),
});

const workflow = z.looseObject({
  on: z.record(z.string(), z.object({ branches: z.array(z.string()).optional() }).nullable()),
  permissions: z.record(z.string(), z.string()),
  jobs: z.record(z.string(), job),
});

type Workflow = z.infer<typeof workflow>;
type Job = z.infer<typeof job>;

/** Others, such as `pull_request_target`, `workflow_run` and comments, let strangers start what has secrets. */
const EVENTS = ['push', 'pull_request', 'workflow_dispatch'];
const SECRETS = /\bsecrets\b/;
/** What strangers may have written. */
const STRANGE = /github\.(?:event|head_ref)/;

/**
 * What actionlint does not ask of a workflow: that foreign code is named by its whole hash, that the token it gets can read only,
 * that what strangers write never becomes part of a command, that nothing a pull request starts sees a secret or leaves anything to
 * what does, and that an environment gets one deployment at a time, by commands of this project alone.
 *
 * @returns what is wrong, a sentence each
 */
export function findBreaches(source: string): string[] {
  const { data, error } = workflow.safeParse(parse(source));
  if (!data)
    return [`It is no workflow that says its events, permissions and environments: ${error.message}`];
  return [
    ...judgeEvents(data, SECRETS.test(source)),
    ...judgePermissions(data.permissions),
    ...(SECRETS.test(JSON.stringify({ ...data, jobs: null }))
      ? ['It has a secret for all of its jobs.']
      : []),
    ...Object.entries(data.jobs).flatMap(([name, job]) => judgeJob(job).map((breach) => `${name} ${breach}`)),
  ];
}

function* judgeEvents({ on }: Workflow, hasSecrets: boolean): Generator<string> {
  for (const event of Object.keys(on)) {
    if (!EVENTS.includes(event)) yield `It begins on ${event}, which strangers can cause where secrets are.`;
  }
  if (!hasSecrets) return;
  if ('pull_request' in on) yield 'A pull request starts it, and it names secrets.';
  if ('push' in on && on['push']?.branches?.join() !== 'main')
    yield 'It names secrets, and begins on other branches than main.';
}

function* judgePermissions(permissions: Record<string, string>): Generator<string> {
  for (const [scope, level] of Object.entries(permissions)) {
    if (level !== 'none' && `${scope}: ${level}` !== 'contents: read')
      yield `It asks for ${scope}: ${level}.`;
  }
}

function judgeJob(job: Job): string[] {
  return [
    ...judgePermissions(job.permissions),
    ...judgeForeignCode(job),
    ...judgeInputs(job),
    ...judgeSecrets(job),
    ...judgeTurns(job),
  ];
}

function* judgeForeignCode({ uses, steps }: Job): Generator<string> {
  for (const foreign of [uses, ...steps.map((step) => step.uses)]) {
    if (foreign === undefined || foreign.startsWith('./')) continue;
    if (!/@[0-9a-f]{40}$/.test(foreign))
      yield `uses ${foreign} by a name that can come to mean something else.`;
    if (/cache|artifact/.test(foreign)) yield `uses ${foreign}, by which one run gets at another.`;
  }
  for (const { uses = '', with: inputs } of steps) {
    if (uses.startsWith('actions/checkout@') && inputs['persist-credentials'] !== false)
      yield 'leaves its token in the checkout.';
    if (uses.startsWith('actions/setup-node@') && inputs['package-manager-cache'] !== false)
      yield 'installs from a cache that other runs fill.';
    if ('cache' in inputs) yield 'installs from a cache that other runs fill.';
  }
}

function* judgeInputs({ steps }: Job): Generator<string> {
  for (const { run, with: inputs } of steps) {
    if (run?.includes('${{'))
      yield 'puts an expression into a command; a variable of its environment is safe.';
    if (STRANGE.test(JSON.stringify(inputs))) yield 'hands an action what a stranger may have written.';
  }
}

function* judgeSecrets(job: Job): Generator<string> {
  const isSecret = (part: unknown) => SECRETS.test(JSON.stringify(part) ?? '');
  const steps = job.steps.filter(({ env }) => isSecret(env));
  if (isSecret({ ...job, steps: job.steps.map((step) => ({ ...step, env: null })) }))
    yield 'has a secret elsewhere than in the variables of one step.';
  if (steps.length > 0 && !job.environment) yield 'has a secret without an environment that guards it.';
  if (steps.some(({ uses }) => uses !== undefined)) yield 'gives a secret to an action.';
}

function* judgeTurns({ environment, concurrency }: Job): Generator<string> {
  if (!environment) return;
  if (concurrency?.group !== `deploy-${environment.name}` || concurrency['cancel-in-progress'])
    yield `may be broken off, or run beside another deployment to ${environment.name}.`;
}
