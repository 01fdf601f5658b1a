/** What a deployment takes from the environment variables of who runs it. */
export interface DeploymentSettings {
  /** `RELAY_URL`: where the relay answers, as an origin; null to take what wrangler says. */
  readonly address: string | null;
  /** `RELAY_ACCESS_KEY`: what opens a relay that is for its own people only. */
  readonly accessKey: string | null;
  /** `ROLLOUT_STEPS`: shares of traffic in percent, such as `0,10,50`. */
  readonly steps: readonly number[];
  /** `D1_LOCATION`: where a new database is to be. */
  readonly location: string | null;
}

/** With no traffic at all at first, a new version is tested where it serves nobody. */
const DEFAULT_STEPS = '0';

/** Cloudflare's names of places. */
const LOCATIONS = ['weur', 'eeur', 'apac', 'oc', 'wnam', 'enam'];

/**
 * Reads the variables. An empty one is none, as GitHub has it.
 *
 * @throws {RangeError} for a value that is none of its kind, in words for who set it
 */
export function readSettings(variables: Readonly<Record<string, string | undefined>>): DeploymentSettings {
  const read = (name: string) => variables[name]?.trim() || null;
  const location = read('D1_LOCATION');
  if (location !== null && !LOCATIONS.includes(location)) {
    throw new RangeError(`D1_LOCATION is “${location}”, which is none of ${LOCATIONS.join(', ')}.`);
  }
  return {
    address: readOrigin(read('RELAY_URL')),
    accessKey: read('RELAY_ACCESS_KEY'),
    steps: readSteps(read('ROLLOUT_STEPS') ?? DEFAULT_STEPS),
    location,
  };
}

function readOrigin(text: string | null): string | null {
  if (text === null) return null;
  const url = URL.parse(text);
  if (url && ['https:', 'http:'].includes(url.protocol)) return url.origin;
  throw new RangeError(`RELAY_URL is “${text}”, which is no address that begins with https://.`);
}

function readSteps(text: string): number[] {
  const steps = text.split(',').map((part) => (/^\s*\d{1,2}\s*$/.test(part) ? Number(part) : NaN));
  // NaN is greater than nothing.
  if (steps.every((step, index) => step > (steps[index - 1] ?? -1))) return steps;
  throw new RangeError(
    `ROLLOUT_STEPS is “${text}”. It takes numbers from 0 to 99 that grow, such as 0,10,50.`,
  );
}
