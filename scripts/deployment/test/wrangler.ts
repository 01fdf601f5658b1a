/** A wrangler that deploys nothing: it keeps an account in the file `FAKE_ACCOUNT`. */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { callWrangler, type Account } from './account.ts';

const file = process.env['FAKE_ACCOUNT'] ?? '';
const account = JSON.parse(readFileSync(file, 'utf8')) as Account;
const { code, printed, records } = callWrangler(account, process.argv.slice(2));
writeFileSync(file, JSON.stringify(account));
process.stdout.write(printed);
for (const record of records) {
  appendFileSync(process.env['WRANGLER_OUTPUT_FILE_PATH'] ?? '', `${JSON.stringify(record)}\n`);
}
process.exitCode = code;
