import { measureHour, type Cost } from './cost.ts';
import { busiestHour, steadyHour, type Trace } from './trace.ts';

/** What Cloudflare's free plan gives in a day (developers.cloudflare.com, November 2026). */
const FREE_PLAN: Record<keyof Cost, number> = {
  workerRequests: 100_000,
  objectRequests: 100_000,
  rowsWritten: 100_000,
  rowsRead: 5_000_000,
};

const RESOURCES: Record<keyof Cost, string> = {
  workerRequests: 'Worker requests',
  objectRequests: 'object requests',
  rowsWritten: 'rows written',
  rowsRead: 'rows read',
};

/** What an hour of typing costs the relay: a table. */
export async function measureCost(paper: Trace, code: Trace): Promise<string> {
  const busiest = busiestHour(code);
  const before = code.txns.slice(0, busiest[0] ? code.txns.indexOf(busiest[0].txn) : 0);
  const real = `${busiest.length.toLocaleString('en-US')} changes at their real times`;
  const steady = steadyHour(paper, 5);
  const rows = [
    [`Alone, ${real}`, await measureHour(before, busiest, 1, 'alone')],
    ['The same, two others watching in the mesh', await measureHour(before, busiest, 3, 'mesh')],
    [
      'The same, two others watching through the relay only',
      await measureHour(before, busiest, 3, 'relay only'),
    ],
    ['Alone, five keys a second without a pause', await measureHour([], steady, 1, 'alone')],
  ] as const;
  const resources = Object.keys(RESOURCES) as (keyof Cost)[];
  const lines = rows.map(([what, cost]) => {
    const hours = resources.map((resource) => FREE_PLAN[resource] / cost[resource]);
    const fewest = Math.min(...hours);
    const bound = resources[hours.indexOf(fewest)] ?? 'rowsWritten';
    const cells = resources.map((resource) => Math.round(cost[resource]).toLocaleString('en-US'));
    return `| ${what} | ${cells.join(' | ')} | ${Math.floor(fewest)}, bound by ${RESOURCES[bound]} |`;
  });
  return [
    'One person types for an hour, by a virtual clock, against the relay’s rules over a local D1 that counts. The recording is the busiest hour of `sveltecomponent`: ' +
      'of the recordings it is the one whose times are real (those of `automerge-paper` all lie within 300 milliseconds).',
    `| | ${resources.map((resource) => RESOURCES[resource]).join(' | ')} | such hours a day on the free plan |\n| --- | ${resources.map(() => '---: |').join(' ')} --- |\n${lines.join('\n')}`,
  ].join('\n\n');
}
