import { isAccessKey } from '@parley/signaling/access-key';
import { catalogue } from '../session/error-sentences.ts';
import { accessHeaders, type AccessOutcome } from '../sync/access.ts';
import { relayOrigin } from './relay-address.ts';
import { thisDevice } from './this-device.svelte.ts';

/** How long the relay may take to say what it thinks of a key, in milliseconds. */
const PATIENCE = 3_000;

/** What mail programs take for a part of the link, or a person selects along with it ([LK5]). */
const BEHIND = /(?:%20|[\s.,;:!?)\]}>'"*])+$/;

/**
 * What became of an access key that a link or a person has brought. `taken`: it is this device's from now on, and the relay takes it.
 * `unkept`: the same, until the tab is closed, because the browser keeps nothing. `unchecked`: it is this device's, which had none, and
 * the relay could not be asked. `unsure`: the relay could not be asked, and this device stays with the one it has. `refused`: the relay
 * does not take it. `malformed`: no relay could.
 */
export type Reception = 'taken' | 'unkept' | 'unchecked' | 'unsure' | 'refused' | 'malformed';

/** Makes an access key this device's, unless that would take a good one's place with one that is not ([LK13]). */
export async function receiveAccessKey(key: string): Promise<Reception> {
  if (!isAccessKey(key)) return 'malformed';
  await thisDevice.load();
  const own = thisDevice.accessKey;
  const isTaken = await askRelay(key);
  if (isTaken === false) return 'refused';
  if (isTaken === null && own !== null && own !== key) return 'unsure';
  if (own !== key && !(await thisDevice.useAccessKey(key))) return 'unkept';
  return isTaken ? 'taken' : 'unchecked';
}

const words: Record<Exclude<Reception, 'malformed'>, string> = {
  taken: 'This device has the relay’s access key now.',
  unkept: 'This tab has the relay’s access key now. The browser does not keep it: it ends with the tab.',
  unchecked:
    'The relay could not be asked. This device keeps the access key, and uses it once the relay answers.',
  unsure:
    'The relay could not be asked, so this device stays with the access key that it has. Try again when you are online.',
  refused: 'The relay does not take this access key. Ask whoever runs it for the right one.',
};

/** Whether this device has an access key. True of nothing before {@link thisDevice} was loaded. */
export function hasAccessKey(): boolean {
  return thisDevice.accessKey !== null;
}

/** Takes an access key that a person has typed or pasted, alone or in a link that holds it. */
export async function enterAccessKey(text: string): Promise<AccessOutcome> {
  const [, inLink] = /#a\.([^.]*)/.exec(text) ?? [];
  const reception = await receiveAccessKey((inLink ?? text).replace(BEHIND, '').trim());
  const isWrong = reception === 'malformed' || reception === 'refused';
  const said =
    reception === 'malformed'
      ? 'This is no access key: those have 16 to 256 characters of a–z, A–Z, 0–9, - and _.'
      : words[reception];
  const stays = isWrong && hasAccessKey() ? ' This device stays with the one that it has.' : '';
  return { done: !isWrong && reception !== 'unsure', words: said + stays };
}

/** Forgets the access key, in all tabs. What the relay lets in is asked anew without it at once ([SY27]). */
export async function forgetAccessKey(): Promise<AccessOutcome> {
  return (await thisDevice.useAccessKey(null))
    ? { done: true, words: 'The access key is forgotten.' }
    : {
        done: false,
        words:
          'The access key is not used any more, but the browser could not delete it: this device may have it again when Parley is opened anew. Forget it again then.',
      };
}

/**
 * Takes the access key in the fragment of a relay's link ([LK13]).
 *
 * @returns what is to be said of it
 */
export async function takeAccessLink(fragment: string): Promise<string> {
  const [, key] = /^#a(?:\.|$)([\w-]*)$/.exec(fragment.replace(BEHIND, '')) ?? [];
  const reception = key === undefined ? 'malformed' : await receiveAccessKey(key);
  if (reception !== 'malformed') return words[reception];
  const { what, next } =
    catalogue[key !== undefined && key.length < 16 ? 'link/incomplete' : 'link/mistyped'];
  return `${what} ${next}`;
}

/** Whether the relay takes a key, as one that takes everybody does; null when it does not say. */
async function askRelay(key: string): Promise<boolean | null> {
  try {
    // Without a token it gives nothing; it looks at the key before it looks for one ([HB36]).
    const response = await fetch(`${relayOrigin()}/api/ice`, {
      headers: accessHeaders(key),
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'manual',
      referrerPolicy: 'no-referrer',
      signal: AbortSignal.timeout(PATIENCE),
    });
    const problem: unknown = await response.json();
    if (typeof problem !== 'object' || problem === null || !('code' in problem)) return null;
    if (problem.code === 'access/key-refused') return false;
    return problem.code === 'access/token-missing' ? true : null;
  } catch {
    // No network, no relay, or something in between that answers in its place.
    return null;
  }
}
