import { spawn } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { TestProject } from 'vitest/node';
import { startProvider } from '../test/provider/provider.ts';
import { experimental_readRawConfig as readRawConfig } from 'wrangler';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the traced relay listens, like `http://127.0.0.1:40001`. */
    relayUrl: string;
    /** The file that everything it prints goes to. */
    relayLog: string;
    /** Where its AI provider listens, like `http://127.0.0.1:40002`. */
    llmProvider: string;
  }
}

const STARTED_WITHIN_MS = 60_000;

/** The relay's own configuration, but for a hub that writes down whenever it runs, a small client, and a provider for the advisor. */
function writeConfig(folder: string, llmProvider: string): string {
  const { rawConfig } = readRawConfig({ config: join(import.meta.dirname, '../wrangler.jsonc') });
  const config = join(folder, 'wrangler.json');
  const main = join(import.meta.dirname, '../test/traced.ts');
  const assets = { ...rawConfig.assets, directory: join(import.meta.dirname, '../test/site') };
  const llm = { LLM_BASE_URL: `${llmProvider}/demonstration-dev/v1`, LLM_MODELS: 'demonstration' };
  const vars = { ...rawConfig.vars, ...llm };
  writeFileSync(config, JSON.stringify({ ...rawConfig, main, assets, vars }));
  return config;
}

/** Starts the traced relay under `wrangler dev` once for all tests, with data of its own, and ends it after them. */
export default async function startRelay({ provide }: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'parley-relay-'));
  const log = join(folder, 'relay.log');
  const output = openSync(log, 'a');
  const wrangler = join(
    dirname(createRequire(import.meta.url).resolve('wrangler/package.json')),
    'bin/wrangler.js',
  );
  // An answer of some sixty words takes half a minute: who leaves in between leaves in the middle.
  const provider = await startProvider({ paceMs: 500 });
  const config = writeConfig(folder, provider.origin);
  // Port 0 is one that is free: nobody can take it between a search and its use.
  const options = ['--ip', '127.0.0.1', '--port', '0', '--inspector-port', '0', '--persist-to', folder];
  const relay = spawn(process.execPath, [wrangler, 'dev', '--config', config, ...options], {
    // A process group of its own: wrangler starts others, which have to end with it.
    detached: true,
    stdio: ['ignore', output, output],
    env: { ...process.env, CI: '1', NO_COLOR: '1', WRANGLER_SEND_METRICS: 'false' },
  });
  let hasEnded = false;
  const ended = new Promise<void>((resolve) => {
    relay.once('exit', () => {
      hasEnded = true;
      resolve();
    });
  });
  const end = () => {
    if (!hasEnded && relay.pid) process.kill(-relay.pid, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', end);

  const deadline = Date.now() + STARTED_WITHIN_MS;
  let url: string | undefined;
  while (!url) {
    url = /Ready on (http:\/\/[\d.]+:\d+)/.exec(readFileSync(log, 'utf8'))?.[1];
    if (!url && (hasEnded || Date.now() > deadline)) {
      const printed = readFileSync(log, 'utf8');
      end();
      throw new Error(`wrangler dev did not start:\n${printed}`);
    }
    await wait(100);
  }
  provide('relayUrl', url);
  provide('llmProvider', provider.origin);
  provide('relayLog', log);

  return async () => {
    process.off('exit', end);
    end();
    await ended;
    await provider.stop();
  };
}
