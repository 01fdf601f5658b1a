import { expect, it } from 'vitest';
import { prepareDatabase } from './database.ts';
import { deploy, type Order } from './deploy.ts';
import type { SmokeTarget } from './ports.ts';
import { readRecords } from './records.ts';
import { callWrangler, EMPTY_ACCOUNT, type Account } from './test/account.ts';

const ORDER: Order = {
  ...{ environment: 'production', version: '0123456789ab', address: null, steps: [0], location: null },
};
const SERVING: Partial<Account> = { databases: ['parley'], deployments: [{ before: 100 }], migration: 'v1' };
const URL = 'https://relay.example.workers.dev';
const AT_ONCE = '--durable-objects-code-update-mode immediate';

/** A fake account, and what is to come of the smoke tests, one after the other. */
function open(given: Partial<Account>, verdicts: readonly boolean[] = []) {
  const account = structuredClone({ ...EMPTY_ACCOUNT, ...given });
  const tested: SmokeTarget[] = [];
  const ports = {
    wrangler: (options: readonly string[]) => {
      const { code, printed, records } = callWrangler(account, options);
      const lines = records.map((record) => JSON.stringify(record)).join('\n');
      return Promise.resolve({ ok: code === 0, printed, records: readRecords(lines) });
    },
    smoke: (target: SmokeTarget) => {
      tested.push(target);
      return Promise.resolve(verdicts[tested.length - 1] ?? true);
    },
    say: () => undefined,
  };
  return { account, tested, ports };
}

it('the first deployment makes the database, and is a plain one', async () => {
  const { account, ports, tested } = open({});
  expect(await deploy({ ...ORDER, location: 'weur' }, ports)).toEqual({
    ...{ ok: true, way: 'plain', address: URL, reason: null, returned: null },
  });
  expect(account.calls).toEqual([
    'deployments status --json --env production',
    'd1 list --json',
    'd1 create parley --update-config=false --location weur',
    'd1 migrations apply DB --remote --env production',
    `deploy --env production --var VERSION:0123456789ab --tag 0123456789ab ${AT_ONCE}`,
  ]);
  expect(tested).toEqual([{ url: URL, version: ORDER.version, override: null }]);
});

it('a later one is tested before anybody gets it, and again once all have it', async () => {
  const { account, ports, tested } = open(SERVING);
  expect(await deploy(ORDER, ports)).toMatchObject({ ok: true, way: 'gradual', address: URL });
  expect(account.calls).toEqual([
    'deployments status --json --env production',
    'd1 list --json',
    'd1 migrations apply DB --remote --env production',
    'versions upload --env production --var VERSION:0123456789ab --tag 0123456789ab',
    'triggers deploy --env production',
    `versions deploy before@100% next@0% --yes --env production ${AT_ONCE}`,
    `versions deploy next@100% --yes --env production ${AT_ONCE}`,
  ]);
  const { version } = ORDER;
  expect(tested).toEqual([
    { url: URL, version, override: { worker: 'parley', version: 'next' } },
    { url: URL, version, override: null },
  ]);
});

it('it gets its traffic in as many steps as are asked for', async () => {
  const { account, ports, tested } = open(SERVING);
  await deploy({ ...ORDER, steps: [0, 10, 50] }, ports);
  expect(account.deployments.slice(1)).toEqual([
    { before: 100, next: 0 },
    { before: 90, next: 10 },
    { before: 50, next: 50 },
    { next: 100 },
  ]);
  expect(tested).toHaveLength(4);
});

it('it is tested where RELAY_URL says', async () => {
  const { ports, tested } = open(SERVING);
  await deploy({ ...ORDER, address: 'https://parley.example' }, ports);
  expect(tested.map(({ url }) => url)).toEqual(['https://parley.example', 'https://parley.example']);
});

const BEFORE = { url: URL, version: 'named before', override: null };
const RETURNED = { outcome: 'done', version: 'named before' };

it.each([
  ['before anybody gets it', [false]],
  ['once all have it', [true, false]],
])('what fails its smoke test %s is rolled back, and what serves then is tested', async (_, verdicts) => {
  const { account, ports, tested } = open(SERVING, verdicts);
  expect(await deploy(ORDER, ports)).toMatchObject({
    ...{ ok: false, returned: RETURNED, reason: `The smoke test of ${URL} failed.` },
  });
  expect(account.calls.slice(-3)).toEqual([
    `rollback before --yes --message 0123456789ab failed --env production ${AT_ONCE}`,
    'deployments status --json --env production',
    'versions view before --json --env production',
  ]);
  expect(account.deployments.at(-1)).toEqual({ before: 100 });
  expect(tested.slice(verdicts.length)).toEqual([BEFORE]);
});

it('what serves after going back is known not to work when its smoke test fails as well', async () => {
  const { ports, tested } = open(SERVING, [true, false, false]);
  expect(await deploy(ORDER, ports)).toMatchObject({
    ...{ ok: false, returned: { outcome: 'unproved', version: 'named before' } },
  });
  expect(tested.at(-1)).toEqual(BEFORE);
});

it('a shift of traffic that fails is rolled back', async () => {
  const { account, ports } = open({ ...SERVING, failing: ['versions deploy next@100%'] });
  expect(await deploy(ORDER, ports)).toMatchObject({ ok: false, returned: RETURNED });
  expect(account.deployments.at(-1)).toEqual({ before: 100 });
});

it('a smoke test that breaks down is one that fails', async () => {
  const { account, ports } = open(SERVING);
  const smoke = () => Promise.reject(new Error('out of memory'));
  expect(await deploy(ORDER, { ...ports, smoke })).toMatchObject({
    ...{ ok: false, reason: 'out of memory', returned: { ...RETURNED, outcome: 'unproved' } },
  });
  expect(account.deployments.at(-1)).toEqual({ before: 100 });
});

it('of two versions that serve, it goes back to the one that served most', async () => {
  const { account, ports } = open({ ...SERVING, deployments: [{ other: 10, before: 90 }] }, [false]);
  await deploy(ORDER, ports);
  expect(account.deployments.at(-1)).toEqual({ before: 100 });
});

it('a change of the Durable Objects’ classes is deployed plainly', async () => {
  const { account, ports } = open({ ...SERVING, configured: 'v2' });
  expect(await deploy(ORDER, ports)).toMatchObject({ ok: true, way: 'plain', address: URL });
  expect(account.calls.slice(-3)).toEqual([
    'versions upload --env production --var VERSION:0123456789ab --tag 0123456789ab',
    'triggers deploy --env production',
    `deploy --env production --var VERSION:0123456789ab --tag 0123456789ab ${AT_ONCE}`,
  ]);
  expect(account.migration).toBe('v2');
});

it('says so when it cannot go back behind such a change', async () => {
  const { ports, tested } = open({ ...SERVING, configured: 'v2', failing: ['rollback'] }, [false]);
  expect(await deploy(ORDER, ports)).toMatchObject({
    ...{ ok: false, way: 'plain', returned: { outcome: 'failed', version: null } },
  });
  expect(tested).toHaveLength(1);
});

it('a plain deploy that fails goes back as well, to where wrangler said before', async () => {
  const { ports, tested } = open({ ...SERVING, configured: 'v2', failing: ['deploy --env'] });
  expect(await deploy(ORDER, ports)).toMatchObject({ ok: false, way: 'plain', returned: RETURNED });
  expect(tested).toEqual([BEFORE]);
});

it('says so when there is nothing to go back to', async () => {
  const { account, ports } = open({}, [false]);
  expect(await deploy(ORDER, ports)).toMatchObject({ ok: false, returned: null });
  expect(account.calls.some((call) => call.startsWith('rollback'))).toBe(false);
});

it.each(['deployments status', 'd1 list', 'd1 migrations', 'versions upload', 'triggers deploy'])(
  'nothing that serves changes when “%s” fails',
  async (failing) => {
    const { account, ports, tested } = open({ ...SERVING, failing: [failing] });
    await expect(deploy(ORDER, ports)).rejects.toMatchObject({ code: 'deployment/wrangler-failed' });
    expect(account.deployments).toEqual(SERVING.deployments);
    expect(tested).toEqual([]);
  },
);

it('a database is made once', async () => {
  const { account, ports } = open({});
  await prepareDatabase('staging', ports.wrangler, null);
  await prepareDatabase('staging', ports.wrangler, null);
  expect(account.databases).toEqual(['parley-staging']);
});
