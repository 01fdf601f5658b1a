import * as z from 'zod';
import { DeploymentError } from './error.ts';

/** A line of the file that wrangler writes for programs (`WRANGLER_OUTPUT_FILE_PATH`), of the kinds that matter here. */
const wranglerRecord = z.discriminatedUnion('type', [
  z.object({ type: z.literal('version-upload'), version_id: z.string() }),
  z.object({
    type: z.literal('deploy'),
    version_id: z.string().nullable(),
    targets: z.array(z.string()).optional(),
  }),
  z.object({
    type: z.literal('command-failed'),
    code: z.union([z.number(), z.string()]).optional(),
    message: z.string(),
  }),
]);

type WranglerRecord = z.infer<typeof wranglerRecord>;

/** What became of one call of wrangler. */
export interface WranglerOutcome {
  readonly ok: boolean;
  /** What it printed for programs: its standard output. */
  readonly printed: string;
  /** What it wrote down about what it did, or about why it failed. */
  readonly records: readonly WranglerRecord[];
}

/**
 * @param what was tried, as the beginning of a sentence
 * @throws {DeploymentError} `deployment/wrangler-failed`, when it did not end well
 */
export function succeed(outcome: WranglerOutcome, what: string): WranglerOutcome {
  if (outcome.ok) return outcome;
  throw new DeploymentError('deployment/wrangler-failed', `${what} failed.`);
}

/** What stands in such a file. Lines of other kinds, and whatever is none, are passed over. */
export function readRecords(text: string): WranglerRecord[] {
  return text.split('\n').flatMap((line) => {
    const { data } = wranglerRecord.safeParse(parseJson(line));
    return data ? [data] : [];
  });
}

const deployment = z.object({
  versions: z.array(z.object({ version_id: z.string(), percentage: z.number() })).min(1),
});

/**
 * The version that serves, or most of what two serve, by `wrangler deployments status --json`; null where nothing has been deployed.
 *
 * @throws {DeploymentError} `deployment/wrangler-failed`, `deployment/unreadable`
 */
export function readServing(status: WranglerOutcome): string | null {
  if (!status.ok) {
    if (failures(status).some(isNothingThere)) return null;
    throw new DeploymentError('deployment/wrangler-failed', 'wrangler does not say what is deployed.');
  }
  const { data } = deployment.safeParse(parseJson(status.printed));
  const [most] = data?.versions.toSorted((one, other) => other.percentage - one.percentage) ?? [];
  if (!most) {
    throw new DeploymentError('deployment/unreadable', 'What wrangler says to be deployed cannot be read.');
  }
  return most.version_id;
}

const bindings = z.array(
  z.union([z.object({ name: z.literal('VERSION'), text: z.string() }), z.object({ name: z.string() })]),
);
const versionView = z.object({ resources: z.object({ bindings }) });

/**
 * What a version answers to `GET /health`, by `wrangler versions view --json`: its variable `VERSION`.
 *
 * @throws {DeploymentError} `deployment/unreadable`
 */
export function readVersion(view: WranglerOutcome): string {
  const { data } = versionView.safeParse(parseJson(view.printed));
  for (const binding of data?.resources.bindings ?? []) if ('text' in binding) return binding.text;
  throw new DeploymentError('deployment/unreadable', 'wrangler does not say what a version calls itself.');
}

/**
 * Whether an upload was refused because it comes with a change of the Durable Objects' classes, which `wrangler deploy` alone can make.
 * wrangler compares the tags of `migrations` with what the account has, before it uploads anything.
 */
export function needsPlainDeploy(upload: WranglerOutcome): boolean {
  return failures(upload).some(
    ({ code, message }) => code === 10_211 || message.includes('pending Durable Object migration'),
  );
}

/** The names of the databases that the account has, by `wrangler d1 list --json`. */
export function readDatabases(list: WranglerOutcome): string[] {
  const { data } = z.array(z.object({ name: z.string() })).safeParse(parseJson(list.printed));
  if (!list.ok || !data) {
    throw new DeploymentError(
      'deployment/wrangler-failed',
      'wrangler does not list the account’s databases.',
    );
  }
  return data.map(({ name }) => name);
}

/**
 * The first address among what wrangler says that a Worker answers at: `https://parley.example.workers.dev` or
 * `parley.example (custom domain)`.
 */
export function findAddress(text: string): string | null {
  const url = /https:\/\/[\w.-]+/.exec(text)?.[0];
  if (url !== undefined) return url;
  const domain = /(?<![\w.-])([\w-]+(?:\.[\w-]+)+) \(custom domain/.exec(text)?.[1];
  return domain === undefined ? null : `https://${domain}`;
}

type Failure = Extract<WranglerRecord, { type: 'command-failed' }>;

function failures({ records }: WranglerOutcome): Failure[] {
  return records.filter((record) => record.type === 'command-failed');
}

/** The account has no Worker of this name, or one without a deployment. */
function isNothingThere({ code, message }: Failure): boolean {
  return [10_007, 10_090, 10_092].includes(Number(code)) || message.includes('has no deployments');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
