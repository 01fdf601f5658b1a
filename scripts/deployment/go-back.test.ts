import { expect, it } from 'vitest';
import { goBack, type Retreat } from './go-back.ts';
import type { SmokeTarget } from './ports.ts';
import { readRecords } from './records.ts';
import { callWrangler, EMPTY_ACCOUNT, type Account } from './test/account.ts';

const RETREAT: Retreat = { environment: 'staging', to: null, reason: 'by hand', address: null };
const URL = 'https://relay.example.workers.dev';

function open(given: Partial<Account>) {
  const account = structuredClone({ ...EMPTY_ACCOUNT, ...given });
  const tested: SmokeTarget[] = [];
  let said = '';
  const ports = {
    wrangler: (options: readonly string[]) => {
      const { code, printed, records } = callWrangler(account, options);
      const lines = records.map((record) => JSON.stringify(record)).join('\n');
      return Promise.resolve({ ok: code === 0, printed, records: readRecords(lines) });
    },
    smoke: (target: SmokeTarget) => Promise.resolve(tested.push(target) > 0),
    say: (text: string) => void (said += text),
  };
  return { account, tested, ports, said: () => said };
}

it('without an id, what served everybody before serves again, and is tested where wrangler says', async () => {
  const { account, tested, ports } = open({ deployments: [{ a: 100 }, { a: 90, b: 10 }, { b: 100 }] });
  expect(await goBack(RETREAT, ports)).toEqual({ outcome: 'done', version: 'named a' });
  expect(account.deployments.at(-1)).toEqual({ a: 100 });
  expect(tested).toEqual([{ url: URL, version: 'named a', override: null }]);
});

it('with an id, that version does, and where RELAY_URL names it', async () => {
  const { account, tested, ports } = open({ deployments: [{ a: 100 }, { b: 100 }, { c: 100 }] });
  const address = 'https://parley.example';
  expect(await goBack({ ...RETREAT, to: 'a', address }, ports)).toMatchObject({ outcome: 'done' });
  expect(tested).toEqual([{ url: address, version: 'named a', override: null }]);
  expect(account.calls.some((call) => call.startsWith('triggers'))).toBe(false);
});

it('it has failed when wrangler refuses, and nothing is tested', async () => {
  const { tested, ports } = open({ deployments: [{ a: 100 }] });
  expect(await goBack(RETREAT, ports)).toEqual({ outcome: 'failed', version: null });
  expect(tested).toEqual([]);
});

it('it has failed when wrangler ends well and another version serves all the same', async () => {
  const { tested, ports } = open({ deployments: [{ a: 100 }, { b: 100 }] });
  const wrangler: typeof ports.wrangler = (options) =>
    options[0] === 'rollback'
      ? Promise.resolve({ ok: true, printed: 'Aborting rollback...', records: [] })
      : ports.wrangler(options);
  expect(await goBack({ ...RETREAT, to: 'a' }, { ...ports, wrangler })).toMatchObject({ outcome: 'failed' });
  expect(tested).toEqual([]);
});

it.each(['deployments status', 'versions view', 'triggers deploy'])(
  'it is unproved when “%s” fails, and that is said',
  async (failing) => {
    const { tested, ports, said } = open({ deployments: [{ a: 100 }, { b: 100 }], failing: [failing] });
    expect(await goBack(RETREAT, ports)).toMatchObject({ outcome: 'unproved' });
    expect(tested).toEqual([]);
    expect(said()).not.toBe('');
  },
);
