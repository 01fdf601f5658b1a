import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { decodeBase64url } from '@parley/signaling/base64url';
import { deriveEditKeys } from '../src/lib/session/keys.ts';
import { expect, test, TestRelay } from './parley.ts';
import { spellings } from './spellings.ts';

/** Everything that a relay has on its disk: every value of every table, and the files as they are. */
function dump(folder: string): { values: Map<string, Buffer>; tables: string[] } {
  const values = new Map<string, Buffer>();
  const tables: string[] = [];
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    values.set(file, readFileSync(file));
    if (!file.endsWith('.sqlite')) continue;
    const database = new DatabaseSync(file, { readOnly: true });
    const names = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    for (const { name } of names) {
      tables.push(String(name));
      for (const row of database.prepare(`SELECT * FROM "${String(name)}"`).all()) {
        for (const [column, value] of Object.entries(row)) {
          const bytes = value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(String(value));
          values.set(`${file}: ${String(name)}.${column} ${values.size}`, bytes);
        }
      }
    }
    database.close();
  }
  return { values, tables };
}

test('[PR3] [MB23] after a rich session the relay’s disk and log hold no word of it, no name, no title and no secret', async ({
  guest,
}) => {
  const ownRelay = new TestRelay({ verbose: true });
  await ownRelay.start();
  const [ada, bob, cy] = [
    await guest({ at: ownRelay }),
    await guest({ at: ownRelay }),
    await guest({ at: ownRelay }),
  ];
  await ada.newSession('Whistleblower Arrangement');
  await ada.rename('Adelheid Quastenflosser');
  const link = await ada.editLink();
  await ada.page.getByRole('textbox', { name: 'Page title' }).fill('Confidential Timetable');
  await ada.write('Thunderstorm gathers over the harbour. ');
  await bob.withoutWebRtc();
  await bob.join(link);
  await bob.rename('Bartholomew Zwetschge');
  await bob.write('Lighthouse keepers disagree loudly. ');
  await expect(ada.plan).toContainText('Lighthouse keepers');
  await cy.join(await ada.viewLink());
  await expect(cy.plan).toContainText('Thunderstorm');
  await ada.page.getByRole('button', { name: 'Add page' }).click();
  await ada.page.getByRole('textbox', { name: 'Page title' }).fill('Marmalade Inventory');
  await ada.write('Seventeen jars remain downstairs.');
  for (const one of [ada, bob]) await one.stored();

  // What goes wrong is logged as well: requests that are refused for every reason that a stranger can give.
  const sessionId = new URL(link).pathname.split('/').at(-1) ?? '';
  for (const init of [
    {},
    { headers: { Authorization: 'Bearer Thunderstorm' } },
    { method: 'POST', body: 'Thunderstorm', headers: { Authorization: 'Bearer a.b.c' } },
  ]) {
    await fetch(`${ownRelay.url}/api/sessions/${sessionId}/log?after=0`, init);
  }

  const secret = decodeBase64url(link.split('.').at(-2) ?? '');
  if (!secret) throw new Error('the link has no secret');
  const keys = await deriveEditKeys(secret);
  const secrets = [secret, keys.view.secret, Buffer.from(keys.mesh.password, 'base64url')];
  for (const one of [ada, bob, cy]) await one.context.close();
  await ownRelay.stop();

  const { values, tables } = dump(ownRelay.state);
  // The access log is wrangler's own; deployed, `invocation_logs` is off.
  values.set('log', Buffer.from(ownRelay.log.replaceAll(/^.*\[wrangler:info\].*$/gm, '')));
  // The dump does read what is there: the session and its envelopes.
  const all = [...values.values()];
  expect(tables).toContain('sessions');
  expect(all.some((value) => value.equals(Buffer.from(sessionId)))).toBe(true);
  expect(all.some((value) => value.includes(Buffer.from(sessionId)) && value.length > 200)).toBe(true);

  const words = [
    ...['Whistleblower', 'Arrangement', 'Adelheid', 'Quastenflosser', 'Bartholomew', 'Zwetschge'],
    ...['Confidential', 'Timetable', 'Marmalade', 'Inventory', 'Thunderstorm', 'Lighthouse', 'Seventeen'],
  ];
  const found: string[] = [];
  for (const what of [...words, ...secrets]) {
    for (const spelling of spellings(what)) {
      for (const [where, value] of values) {
        const at = value.indexOf(spelling);
        if (at >= 0)
          found.push(`${where}: ${value.subarray(Math.max(0, at - 80), at + 80).toString('latin1')}`);
      }
    }
  }
  expect(found).toEqual([]);
  await ownRelay.dispose();
});
