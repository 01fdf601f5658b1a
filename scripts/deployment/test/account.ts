/** Beside an account that deploys nothing: what a call of wrangler prints, writes down and exits with. */
export interface FakeCall {
  readonly code: number;
  readonly printed: string;
  readonly records: readonly object[];
}

/** An account of Cloudflare's, as far as wrangler's calls show one. It can be told to fail. */
export interface Account {
  databases: string[];
  /** The versions that serve, with their shares, newest deployment last; none before the first. */
  deployments: Record<string, number>[];
  /** The last tag of the Durable Objects' migrations that was applied. */
  migration: string | null;
  /** The last tag in the configuration to deploy. */
  configured: string;
  /** Beginnings of calls that fail, such as `versions deploy`. */
  failing: string[];
  calls: string[];
}

export const EMPTY_ACCOUNT: Account = {
  ...{ databases: [], deployments: [], migration: null, configured: 'v1', failing: [], calls: [] },
};

/** What the real wrangler would do to the account, and say about it. */
export function callWrangler(account: Account, options: readonly string[]): FakeCall {
  const call = options.join(' ');
  account.calls.push(call);
  if (account.failing.some((beginning) => call.startsWith(beginning))) return fail('told to fail');
  const is = (beginning: string) => `${call} `.startsWith(`${beginning} `);
  if (is('d1 list')) return print(JSON.stringify(account.databases.map((name) => ({ name }))));
  if (is('d1 create')) return createDatabase(account, options[2] ?? '');
  if (is('d1 migrations apply')) {
    return account.databases.length > 0 ? print('') : fail("Couldn't find a D1 DB");
  }
  if (is('deployments status')) return showStatus(account);
  if (is('versions view')) return showVersion(options[2] ?? '');
  if (is('versions upload')) return uploadVersion(account);
  if (is('versions deploy')) return shiftTraffic(account, options);
  if (is('triggers deploy')) return print('Deployed triggers\n  https://relay.example.workers.dev\n');
  if (is('deploy')) return deployPlainly(account);
  if (is('rollback')) return rollBack(account, options[1] ?? '');
  return fail(`Unknown arguments: ${call}`);
}

function createDatabase(account: Account, name: string): FakeCall {
  if (account.databases.includes(name)) return fail('A database with that name already exists');
  account.databases.push(name);
  return print('');
}

function showStatus(account: Account): FakeCall {
  const serving = account.deployments.at(-1);
  if (!serving) return fail('This Worker does not exist on your account.', 10_007);
  const versions = Object.entries(serving).map(([version_id, percentage]) => ({ version_id, percentage }));
  return print(JSON.stringify({ id: 'deployment', versions }));
}

/** Every version calls itself after its id. */
function showVersion(id: string): FakeCall {
  const bindings = [
    { type: 'd1', name: 'DB', id: 'database' },
    { type: 'plain_text', name: 'VERSION', text: `named ${id}` },
  ];
  return print(JSON.stringify({ id, resources: { bindings } }));
}

function uploadVersion(account: Account): FakeCall {
  if (account.migration === account.configured) {
    return print('', { type: 'version-upload', version: 1, version_id: 'next' });
  }
  return fail(
    'This Worker has a pending Durable Object migration, which cannot be applied by `wrangler versions upload`.',
  );
}

function shiftTraffic(account: Account, options: readonly string[]): FakeCall {
  const shares = options.flatMap((option) => {
    const [, version, percent] = /^([\w-]+)@(\d+)%$/.exec(option) ?? [];
    return version === undefined ? [] : [[version, Number(percent)] as const];
  });
  const all = shares.reduce((sum, [, percent]) => sum + percent, 0);
  if (all !== 100) return fail(`The specified traffic percentages add up to ${all}%`);
  account.deployments.push(Object.fromEntries(shares));
  return print('');
}

function deployPlainly(account: Account): FakeCall {
  account.migration = account.configured;
  account.deployments.push({ next: 100 });
  const targets = ['https://relay.example.workers.dev', 'schedule: 7 * * * *'];
  return print('', { type: 'deploy', version: 1, version_id: 'next', targets });
}

/** Without an id, it looks for the last version but one that served everybody. */
function rollBack(account: Account, option: string): FakeCall {
  const served = account.deployments
    .slice(0, -1)
    .reverse()
    .map((shares) => Object.keys(shares).find((id) => shares[id] === 100));
  const version = option.startsWith('--') ? served.find((id) => id !== undefined) : option;
  if (version === undefined) return fail('Could not find stable Worker Version to rollback to.');
  account.deployments.push({ [version]: 100 });
  return print('');
}

function print(printed: string, ...records: object[]): FakeCall {
  return { code: 0, printed, records: [{ type: 'wrangler-session', version: 1 }, ...records] };
}

function fail(message: string, code?: number): FakeCall {
  return { code: 1, printed: '', records: [{ type: 'command-failed', version: 1, code, message }] };
}
