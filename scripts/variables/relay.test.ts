import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { Author } from '../../apps/signaling/cloudflare/test/author.ts';
import { startProvider } from '../../apps/signaling/cloudflare/test/provider/provider.ts';
import { startRelay } from '../relay.ts';
import { prepareVariables } from './prepare.ts';

const SECRET = String.raw`sk-$HOME-${'${HOME}'}-#1 "it's" \n \$x = y`;

it('[LLM19] a key reaches the provider to the letter, and is on no command line', async () => {
  const state = mkdtempSync(join(tmpdir(), 'parley-key-'));
  onTestFinished(() => rmSync(state, { recursive: true, force: true }));
  const provider = await startProvider({ key: SECRET });
  onTestFinished(provider.stop);
  const baseUrl = `${provider.origin}/good-1/v1`;
  const upstreams = [{ name: 'one', baseUrl, apiKeyFrom: 'SOME_KEY', models: ['some-model'] }];
  const { variables } = await prepareVariables(
    { LLM_UPSTREAMS: JSON.stringify(upstreams, null, 2), SOME_KEY: SECRET },
    { ADVISOR_ACCESS: 'open', SOME_KEY: 'overruled' },
  );
  const assets = join(import.meta.dirname, '../../apps/signaling/cloudflare/test/site');
  const relay = await startRelay({ port: 0, state, version: 'test', assets, secrets: variables });
  let file: string;
  try {
    const lines = commandLines();
    // Others may run relays at the same time.
    const ours = lines.find((line) => line.includes(state)) ?? '';
    [, file = ''] = /--env-file (\S+)/.exec(ours) ?? [];
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(lines.filter((line) => line.includes('sk-$HOME'))).toEqual([]);

    const token = await (await Author.create()).token('writer', { aud: relay.url, scope: 'llm' });
    const response = await fetch(`${relay.url}/api/llm/v1/chat/completions`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}` },
      body: JSON.stringify({ model: 'some-model', messages: [{ role: 'user', content: 'Hello' }] }),
    });
    expect(await response.json()).toMatchObject({
      choices: [{ message: { content: 'You said: Hello 👋' } }],
    });
  } finally {
    await relay.stop();
  }
  expect(existsSync(file)).toBe(false);
  expect(relay.printed()).not.toContain('sk-$HOME');
});

/** The command lines of all processes that can be seen. */
function commandLines(): string[] {
  if (!existsSync('/proc/self/cmdline')) {
    return execFileSync('ps', ['-A', '-ww', '-o', 'args'], { encoding: 'utf8' }).split('\n');
  }
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((process) => {
      try {
        return [readFileSync(`/proc/${process}/cmdline`, 'utf8').replaceAll('\0', ' ')];
      } catch (error) {
        // It has ended in the meantime.
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'ENOENT' || code === 'ESRCH') return [];
        throw error;
      }
    });
}
