import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const folder = join(import.meta.dirname, '../../apps/signaling/cloudflare/migrations');

/** The statements of a file, without its comments. */
function statementsOf(name: string): string[] {
  const source = readFileSync(join(folder, name), 'utf8').replaceAll(/--.*$/gm, '');
  return source.split(';').flatMap((statement) => statement.trim() || []);
}

// They are applied while the version before still serves, and nothing takes them back.
it.each(readdirSync(folder))('the migration %s only adds', (name) => {
  for (const statement of statementsOf(name)) {
    expect(statement).toMatch(
      /^(?:CREATE (?:TABLE|(?:UNIQUE )?INDEX)|ALTER TABLE \w+ ADD COLUMN|INSERT INTO)\s/,
    );
    // A column that the version before does not know has to do without a value from it.
    expect(/ADD COLUMN .* NOT NULL(?!.* DEFAULT)/.test(statement), statement).toBe(false);
  }
});
