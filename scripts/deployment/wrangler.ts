import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readRecords, type WranglerOutcome } from './records.ts';

/** Runs wrangler in the relay's folder. */
export type Wrangler = (options: readonly string[]) => Promise<WranglerOutcome>;

const relay = fileURLToPath(new URL('../../apps/signaling/cloudflare/', import.meta.url));

/** The wrangler of the relay's own dependencies. */
export const OWN_WRANGLER = join(relay, 'node_modules/wrangler/bin/wrangler.js');

export interface WranglerOptions {
  /** Gets what wrangler prints for people, as it comes. Answers as JSON, which name accounts and people, are for programs only. */
  readonly say: (text: string) => void;
  /** Another program than wrangler, for tests. */
  readonly program?: string;
}

/**
 * wrangler as a process that asks nothing: without a terminal it takes the defaults of its questions.
 *
 * @throws {Error} from what it returns, when the process cannot be started
 */
export function spawnWrangler({ say, program = OWN_WRANGLER }: WranglerOptions): Wrangler {
  return async (options) => {
    const folder = mkdtempSync(join(tmpdir(), 'parley-wrangler-'));
    const file = join(folder, 'records');
    try {
      const child = spawn(process.execPath, [program, ...options], {
        cwd: relay,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          ...process.env,
          CI: '1',
          NO_COLOR: '1',
          WRANGLER_SEND_METRICS: 'false',
          WRANGLER_OUTPUT_FILE_PATH: file,
        },
      });
      let printed = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        printed += text;
        if (!options.includes('--json')) say(text);
      });
      child.stderr.setEncoding('utf8').on('data', say);
      const code = await new Promise<number | null>((resolve, reject) => {
        child.once('error', reject);
        child.once('close', resolve);
      });
      return { ok: code === 0, printed, records: readRecords(readIfThere(file)) };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    // It has written nothing down.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
