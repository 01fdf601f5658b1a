import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { expect, it, onTestFinished } from 'vitest';
import { FAREWELL_WITHIN, HubServer } from '../../apps/signaling/src/node/hub-server.ts';
import { readHubSettings } from '../../apps/signaling/src/settings.ts';

const read = (file) => readFileSync(join(import.meta.dirname, file), 'utf8');
const fly = parse(read('fly.toml'));

it('names an image that is there, from the folder of fly.toml', () => {
  const { dockerfile, ignorefile } = fly.build;
  expect([dockerfile, ignorefile].filter((file) => !existsSync(join(import.meta.dirname, file)))).toEqual([]);
});

it('asks the port and the paths that the hub answers, and reads who connects from Fly’s own header', async () => {
  const settings = readHubSettings(fly.env);
  expect([fly.http_service.internal_port, fly.metrics.port]).toEqual([settings.port, settings.port]);
  expect(settings.addressHeader).toBe('fly-client-ip');
  const server = new HubServer({ ...settings, port: 0 });
  const port = await server.start();
  onTestFinished(() => server.stop());
  const [check] = fly.http_service.checks;
  const ask = (path, method = 'GET') => fetch(`http://localhost:${port}${path}`, { method });
  expect((await ask(check.path, check.method)).status).toBe(200);
  expect(await (await ask(fly.metrics.path)).text()).toMatch(/^# HELP /m);
});

it('ends the hub as it wants to be ended, with time for its farewell', () => {
  expect(fly.kill_signal).toBe('SIGTERM');
  expect(fly.kill_timeout * 1000).toBeGreaterThan(FAREWELL_WITHIN);
});

it('has one machine, which nothing stops while sockets wait, and never a second one beside it', () => {
  expect(fly.http_service).toMatchObject({ auto_stop_machines: 'off', auto_start_machines: true });
  expect(fly.deploy.strategy).toBe('rolling');
  expect(fly.processes).toBeUndefined();
  expect(read('README.md')).toMatch(/^fly deploy \. .* --ha=false$/m);
});

it('counts sockets, and makes room before it turns anybody away', () => {
  const { type, soft_limit, hard_limit } = fly.http_service.concurrency;
  expect(type).toBe('connections');
  expect(soft_limit).toBeLessThan(hard_limit);
});
