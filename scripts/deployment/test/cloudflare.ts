import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** What a stand-in for Cloudflare's API has of one account with one Worker. */
interface CloudflareAccount {
  databases: { name: string; uuid: string; migrations: string[] }[];
  /** The last tag of the Durable Objects' migrations; null before the Worker exists. */
  migration: string | null;
  /** What came with each version, by its id. */
  versions: Map<string, Upload>;
  /** The shares of the versions that serve, newest deployment last. */
  deployments: Record<string, number>[];
  /** What parts of the account's API were asked, such as `workers`; anything else by its whole path. */
  parts: Set<string>;
  /** Requests that nothing here answers. */
  unknown: string[];
}

interface Upload {
  bindings: { name: string; type: string; text?: string; id?: string }[];
  /** The kinds of bindings that stay as they are, though the upload does not name them. */
  keep_bindings: string[];
  migrations?: { new_tag: string };
}

interface Answer {
  readonly status?: number;
  readonly result: unknown;
  readonly code?: number;
}

const NOT_FOUND = { status: 404, result: null, code: 10_007 };

/** Serves as much of Cloudflare's API as deploying the relay takes. */
export async function openCloudflare(): Promise<{
  readonly url: string;
  readonly account: CloudflareAccount;
  readonly close: () => void;
}> {
  const account: CloudflareAccount = {
    ...{
      databases: [],
      migration: null,
      versions: new Map(),
      deployments: [],
      parts: new Set(),
      unknown: [],
    },
  };
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://cloudflare');
    account.parts.add(/^\/accounts\/[^/]+\/([^/]+)/.exec(pathname)?.[1] ?? pathname);
    void text(request.setEncoding('latin1')).then(async (body) => {
      const type = request.headers['content-type'] ?? '';
      const call = `${request.method} ${pathname.replace(/^\/accounts\/[^/]+/, '')}`;
      const { status = 200, result, code } = await answer(account, call, body, type);
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(
        JSON.stringify({
          ...{ success: status === 200, result, messages: [] },
          errors: code === undefined ? [] : [{ code, message: `code ${code}` }],
          result_info: { page: 1, per_page: 100, count: 1, total_count: 1 },
        }),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${port}`, account, close };
}

async function answer(account: CloudflareAccount, call: string, body: string, type: string): Promise<Answer> {
  const is = (pattern: RegExp) => pattern.test(call);
  if (is(/\/d1\//)) return answerDatabase(account, call, body);
  if (is(/^(?:PUT \/workers\/scripts\/[\w-]+|POST .*\/versions)$/)) return takeVersion(account, body, type);
  if (is(/^POST .*\/deployments$/)) {
    const { versions } = JSON.parse(body) as { versions: { version_id: string; percentage: number }[] };
    account.deployments.push(
      Object.fromEntries(versions.map(({ version_id, percentage }) => [version_id, percentage])),
    );
    return { result: { id: 'deployment' } };
  }
  if (is(/assets-upload-session$/)) return { result: { jwt: 'a.b.c', buckets: [] } };
  if (is(/^GET \/workers\/subdomain$/)) return { result: { subdomain: 'example' } };
  if (is(/\/secrets$/)) return { result: [] };
  if (account.migration === null)
    return is(/^GET .*\/services\//) ? { ...NOT_FOUND, code: 10_090 } : NOT_FOUND;
  if (is(/\/services\//)) {
    return { result: { default_environment: { script: { migration_tag: account.migration, tag: 'tag' } } } };
  }
  if (is(/^GET .*\/deployments$/))
    return { result: { deployments: account.deployments.map(describe).reverse() } };
  if (is(/^GET .*\/versions\/[\w-]+$/)) return describeVersion(account, call.split('/').at(-1) ?? '');
  if (is(/^GET .*\/settings$/))
    return { result: { bindings: [...account.versions.values()].at(-1)?.bindings } };
  if (is(/^GET \/workers\/workers\//))
    return { result: { id: 'tag', subdomain: { enabled: true }, tags: [] } };
  if (is(/\/(?:subdomain|script-settings|schedules)$/)) return { result: { enabled: true } };
  account.unknown.push(call);
  return { status: 404, result: null, code: 7_003 };
}

function answerDatabase({ databases }: CloudflareAccount, call: string, body: string): Answer {
  if (call === 'GET /d1/database') return { result: databases };
  if (call === 'POST /d1/database') {
    const { name } = JSON.parse(body) as { name: string };
    const database = { name, uuid: makeId(`d${databases.length}`), migrations: [] };
    databases.push(database);
    return { result: database };
  }
  const [, which] = /\/d1\/database\/([\w-]+)/.exec(call) ?? [];
  const database = databases.find(({ name, uuid }) => which === name || which === uuid);
  if (!database) return NOT_FOUND;
  if (!call.endsWith('/query')) return { result: database };
  for (const [, name] of body.matchAll(/values \('([\w.]+)'\)/gi)) database.migrations.push(name ?? '');
  const results = database.migrations.map((name, id) => ({ id, name, applied_at: '' }));
  return { result: [{ results, success: true, meta: {} }] };
}

async function takeVersion(account: CloudflareAccount, body: string, type: string): Promise<Answer> {
  const form = await new Response(Buffer.from(body, 'latin1'), {
    headers: { 'Content-Type': type },
  }).formData();
  const upload = JSON.parse(String(form.get('metadata'))) as Upload;
  const id = makeId(`a${account.versions.size}`);
  account.versions.set(id, upload);
  // A deploy, and no version alone.
  if (account.migration === null || upload.migrations) {
    account.migration = upload.migrations?.new_tag ?? '';
    account.deployments.push({ [id]: 100 });
  }
  return {
    result: { id, tag: 'tag', deployment_id: id.replaceAll('-', ''), metadata: { has_preview: false } },
  };
}

function describe(shares: Record<string, number>, at: number): object {
  const versions = Object.entries(shares).map(([version_id, percentage]) => ({ version_id, percentage }));
  return { id: String(at), source: 'wrangler', created_on: new Date(at).toISOString(), versions };
}

function describeVersion({ versions }: CloudflareAccount, id: string): Answer {
  const bindings = versions.get(id)?.bindings;
  if (!bindings) return { status: 404, result: null, code: 10_222 };
  const metadata = { created_on: new Date(0).toISOString(), source: 'wrangler' };
  const resources = { bindings, script: {}, script_runtime: {} };
  return { result: { id, metadata, annotations: {}, resources } };
}

/** A UUID that begins with these digits. */
function makeId(digits: string): string {
  return `${digits.padEnd(8, '0')}-0000-4000-8000-000000000000`;
}
