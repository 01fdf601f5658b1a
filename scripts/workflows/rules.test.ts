import { expect, it } from 'vitest';
import { findBreaches } from './rules.ts';

const HASH = '08c6903cd8c0fde910a37f88322edcfb5dd907a8';

const TESTING = `
on: { pull_request: }
permissions: { contents: read }
jobs:
  test:
    runs-on: ubuntu-24.04
    env: { TITLE: '\${{ github.event.pull_request.title }}' }
    steps:
      - uses: actions/checkout@${HASH} # v5.0.0
        with: { persist-credentials: false }
      - uses: actions/setup-node@${HASH} # v5.0.0
        with: { node-version: 24, package-manager-cache: false }
      - uses: ./local
      - run: echo "$TITLE"
`;

const DEPLOYING = `
on: { push: { branches: [main] }, workflow_dispatch: }
permissions: { contents: read }
jobs:
  staging:
    runs-on: ubuntu-24.04
    concurrency: { group: deploy-staging, cancel-in-progress: false }
    environment: { name: staging, url: '\${{ steps.deploy.outputs.url }}' }
    steps:
      - uses: actions/checkout@${HASH}
        with: { persist-credentials: false }
      - run: npx pnpm deploy:staging
        env: { TOKEN: '\${{ secrets.TOKEN }}' }
`;

function change(sound: string, from: string, to: string): string {
  expect(sound).toContain(from);
  return sound.replace(from, to);
}

it('sound workflows have no breach', () => {
  expect(findBreaches(TESTING)).toEqual([]);
  expect(findBreaches(DEPLOYING)).toEqual([]);
});

it.each([
  ['an action by its tag', `checkout@${HASH}`, 'checkout@v5', 'uses actions/checkout@v5 by a name'],
  ['an action by a short hash', HASH, HASH.slice(0, 12), 'uses actions/checkout@08c6903cd8c0 by a name'],
  ['another workflow by its branch', 'runs-on:', 'uses: a/b/c.yml@main\n    runs-on:', 'a/b/c.yml@main by a'],
  ['no permissions', 'permissions: { contents: read }', '', 'no workflow that says its'],
  ['permissions of every kind', '{ contents: read }', 'write-all', 'no workflow that says its'],
  ['permission to write', 'contents: read', 'contents: write', 'contents: write'],
  ['permission to read what nobody needs', 'contents: read', 'packages: read', 'packages: read'],
  ['a job that may write', 'runs-on:', 'permissions: { id-token: write }\n    runs-on:', 'id-token: write'],
  ['an expression in a command', '"$TITLE"', '"${{ github.head_ref }}"', 'puts an expression'],
  ['a title in an action', 'node-version: 24', "node-version: '${{ github.event.x }}'", 'a stranger may'],
  ['a secret in a pull request', 'node-version: 24', "x: '${{ secrets.X }}'", 'A pull request starts it'],
  ['pull_request_target', 'pull_request:', 'pull_request_target:', 'begins on pull_request_target'],
  ['workflow_run', 'pull_request:', 'workflow_run:', 'begins on workflow_run'],
  ['a comment', 'pull_request:', 'issue_comment:', 'begins on issue_comment'],
  ['a token in the checkout', '{ persist-credentials: false }', '{}', 'leaves its token'],
  ['a cache', 'package-manager-cache: false', 'node-version-file: x', 'from a cache'],
  ['a cache by name', 'node-version: 24', 'cache: npm', 'from a cache'],
  ['another run’s files', 'actions/setup-node', 'actions/download-artifact', 'gets at another'],
])('finds %s', (_, from, to, words) => {
  expect(findBreaches(change(TESTING, from, to))).toContainEqual(expect.stringContaining(words));
});

it.each([
  ['a push of any branch', 'push: { branches: [main] }', 'push:', 'other branches than main'],
  ['a push of a tag', '{ branches: [main] }', '{ tags: [v1] }', 'other branches than main'],
  ['a secret of the whole workflow', 'jobs:', "env: { T: '${{ secrets.T }}' }\njobs:", 'for all of its jobs'],
  ['a secret of a whole job', 'runs-on:', "env: { T: '${{ secrets.T }}' }\n    runs-on:", 'elsewhere than'],
  ['secrets handed on', 'runs-on:', 'secrets: inherit\n    runs-on:', 'elsewhere than'],
  ['a secret in a command', 'deploy:staging', '${{ secrets.TOKEN }}', 'elsewhere than'],
  [
    'a secret given to an action',
    'run: npx pnpm deploy:staging',
    'uses: ./local',
    'gives a secret to an action',
  ],
  ['a secret that nothing guards', 'environment: {', 'unguarded: {', 'without an environment'],
  [
    'an environment of no address',
    ", url: '${{ steps.deploy.outputs.url }}'",
    '',
    'no workflow that says its',
  ],
  ['deployments at once', 'group: deploy-staging', 'group: deploy', 'beside another deployment to staging'],
  ['deployments without a turn', 'concurrency: {', 'x: {', 'beside another deployment to staging'],
  ['a deployment that is broken off', 'cancel-in-progress: false', 'cancel-in-progress: true', 'broken off'],
])('where there are secrets, it finds %s', (_, from, to, words) => {
  expect(findBreaches(change(DEPLOYING, from, to))).toContainEqual(expect.stringContaining(words));
});
