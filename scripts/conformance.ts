/** `pnpm conformance <ws-url>`: whether a signaling server, ours or any other, keeps the rules of the hub. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const url = URL.parse(process.argv[2] ?? '');
if (!url || !['ws:', 'wss:'].includes(url.protocol)) {
  console.error('Usage: pnpm conformance <ws-url>, such as wss://relay.example/signaling');
  process.exit(2);
}
const vitest = spawn('vitest', ['run', '--project', 'conformance'], {
  cwd: fileURLToPath(new URL('..', import.meta.url)),
  stdio: 'inherit',
  env: { ...process.env, HUB_URL: url.href },
});
vitest.once('exit', (code) => process.exit(code ?? 1));
