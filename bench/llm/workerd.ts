import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unstable_readConfig as readConfig } from 'wrangler';
import { startServer, type Peer } from '../peers/start.ts';

const relay = fileURLToPath(new URL('../../apps/signaling/cloudflare/', import.meta.url));

/** Something that workerd runs. */
interface Worker {
  /** A module of JavaScript. */
  readonly script: string;
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
  readonly objects: readonly { readonly name: string; readonly class_name: string }[];
}

/** The relay's Worker, as wrangler would deploy it. `folder` gets its bundle. */
export function bundleRelay(folder: string): Worker {
  execFileSync(
    process.execPath,
    [join(relay, 'node_modules/wrangler/bin/wrangler.js'), 'deploy', '--dry-run', '--outdir', folder],
    { cwd: relay, stdio: 'ignore', env: { ...process.env, WRANGLER_SEND_METRICS: 'false' } },
  );
  const { compatibility_date, compatibility_flags, durable_objects } = readConfig({
    config: join(relay, 'wrangler.jsonc'),
  });
  if (!compatibility_date) throw new Error('the Worker has no compatibility date');
  return {
    ...{ script: join(folder, 'worker.js'), compatibilityDate: compatibility_date },
    ...{ compatibilityFlags: compatibility_flags, objects: durable_objects.bindings as Worker['objects'] },
  };
}

/** A Worker that passes on all that it gets. */
export function bareProxy({ compatibilityDate, compatibilityFlags }: Worker): Worker {
  const script = fileURLToPath(new URL('../peers/bare-proxy.js', import.meta.url));
  return { script, compatibilityDate, compatibilityFlags, objects: [] };
}

/**
 * Runs a Worker in workerd with nothing before it, as Cloudflare does: `wrangler dev` has a proxy there. It has its Durable Objects, and no
 * database.
 *
 * @param state the folder where its objects keep their data
 * @param vars variables of the Worker
 */
export function startWorkerd(
  worker: Worker,
  port: number,
  state: string,
  vars: Readonly<Record<string, string>>,
): Promise<Peer> {
  mkdirSync(state, { recursive: true });
  // What a configuration embeds is beside it.
  copyFileSync(worker.script, join(state, 'worker.js'));
  const config = join(state, 'workerd.capnp');
  writeFileSync(config, configuration(worker, port, state, vars));
  const wrangler = createRequire(import.meta.url).resolve('wrangler');
  const { default: workerd } = createRequire(wrangler)('workerd') as { default: string };
  return startServer(['serve', '--experimental', config], port, {}, workerd);
}

function configuration(
  { compatibilityDate, compatibilityFlags, objects }: Worker,
  port: number,
  state: string,
  vars: Readonly<Record<string, string>>,
): string {
  // Texts and lists of Cap'n Proto are written as JSON's are.
  const text = (value: unknown) => JSON.stringify(value);
  const list = (parts: readonly string[]) => `[${parts.join(', ')}]`;
  const namespaces = objects.map(
    ({ class_name }) =>
      `(className = ${text(class_name)}, uniqueKey = ${text(class_name)}, enableSql = true)`,
  );
  const bindings = [
    ...objects.map(
      ({ name, class_name }) => `(name = ${text(name)}, durableObjectNamespace = ${text(class_name)})`,
    ),
    ...Object.entries(vars).map(([name, value]) => `(name = ${text(name)}, text = ${text(value)})`),
  ];
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "state", disk = (path = ${text(state)}, writable = true)),
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = ${text(compatibilityDate)},
  compatibilityFlags = ${text(compatibilityFlags)},
  durableObjectStorage = (localDisk = "state"),
  durableObjectNamespaces = ${list(namespaces)},
  bindings = ${list(bindings)},
);
`;
}
