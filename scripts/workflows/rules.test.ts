import { expect, it } from 'vitest';
import { findBreaches } from './rules.ts';

const HASH = '08c6903cd8c0fde910a37f88322edcfb5dd907a8';

/** A workflow without a fault, with some of its text replaced. */
function write(...changes: [string, string][]): string {
  const sound = `
on: { pull_request: }
permissions: { contents: read }
jobs:
  test:
    runs-on: ubuntu-24.04
    env: { TITLE: '\${{ github.event.pull_request.title }}' }
    steps:
      - uses: actions/checkout@${HASH} # v5.0.0
      - uses: ./local
      - run: echo "$TITLE"
`;
  return changes.reduce((text, [from, to]) => {
    expect(text).toContain(from);
    return text.replace(from, to);
  }, sound);
}

it('a sound workflow has no breach', () => {
  expect(findBreaches(write())).toEqual([]);
});

it.each<[string, [string, string], string]>([
  ['an action by its tag', [`@${HASH}`, '@v5'], 'uses actions/checkout@v5'],
  ['an action by a short hash', [HASH, HASH.slice(0, 12)], 'uses actions/checkout@'],
  ['no permissions', ['permissions: { contents: read }', ''], 'no workflow that says its permissions'],
  ['permissions of every kind', ['{ contents: read }', 'write-all'], 'no workflow that says its permissions'],
  ['permission to write', ['contents: read', 'contents: write'], 'contents: write'],
  [
    'permission to write of a job',
    ['runs-on:', 'permissions: { id-token: write }\n    runs-on:'],
    'id-token: write',
  ],
  ['an expression in a command', ['"$TITLE"', '"${{ github.head_ref }}"'], 'puts an expression'],
  ['a secret in a pull request', ['TITLE:', 'TOKEN: "${{ secrets.TOKEN }}", TITLE:'], 'names secrets'],
  ['pull_request_target', ['pull_request:', 'pull_request_target:'], 'with secrets'],
])('finds %s', (_, change, words) => {
  expect(findBreaches(write(change))).toEqual([expect.stringContaining(words)]);
});
