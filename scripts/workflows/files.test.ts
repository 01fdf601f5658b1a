import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';

const workflow = z.object({
  on: z.record(z.string(), z.unknown()),
  jobs: z.record(
    z.string(),
    z.object({
      needs: z.string().optional(),
      if: z.string().optional(),
      steps: z.array(z.object({ run: z.string().optional() })),
    }),
  ),
});

function read(name: string) {
  const file = join(import.meta.dirname, '../../.github/workflows', name);
  const { on, jobs } = workflow.parse(parse(readFileSync(file, 'utf8')));
  const tests = Object.entries(jobs).filter(([, { steps }]) => steps.some(({ run }) => run === TEST));
  return { on, jobs, tests: tests.map(([name]) => name) };
}

const TEST = 'npx --yes pnpm@12 test';

it('a pull request is tested once, and so is every push to main, whether or not it is deployed', () => {
  const [ci, deploy] = [read('ci.yml'), read('deploy-signaling.yml')];
  expect(ci.on).toEqual({ pull_request: null });
  expect(ci.tests).toEqual(['test']);
  expect(deploy.on).toEqual({ push: { branches: ['main'] }, workflow_dispatch: null });
  expect(deploy.tests).toEqual(['test']);
  expect([ci.jobs, deploy.jobs].map(({ test }) => test?.if)).toEqual([undefined, undefined]);
});

it('nothing is deployed before its tests have passed, nor to production before staging', () => {
  const { staging, production } = read('deploy-signaling.yml').jobs;
  expect([staging?.needs, production?.needs]).toEqual(['test', 'staging']);
  // Conditions such as always() would begin a job whatever became of what it needs.
  expect([staging?.if, production?.if].join()).not.toMatch(/always|failure|cancelled/);
});
