import { DEFAULT_STUN_URL, parseIceUrl } from '@parley/signaling/ice';
import { VariableError } from '@parley/signaling/variables';

/** The variables of the Worker that say which servers help browsers to find each other; see {@link ../env.ts}. */
export interface IceVariables {
  readonly STUN_URLS?: string;
  readonly TURN_KEY_ID?: string;
  readonly TURN_KEY_TOKEN?: string;
  readonly TURN_API?: string;
}

/** Where TURN credentials are asked for, and with what. */
export interface TurnService {
  readonly origin: string;
  readonly keyId: string;
  readonly token: string;
}

export interface IceSettings {
  readonly stun: readonly string[];
  readonly turn: TurnService | null;
}

const CLOUDFLARE = 'https://rtc.live.cloudflare.com';

/**
 * What the Worker's variables say of ICE ([IC2], [IC3]).
 *
 * @throws {VariableError} names the first one that is of no use, and one that is missing beside another
 */
export function readIceSettings(variables: IceVariables): IceSettings {
  const stun = (variables.STUN_URLS ?? DEFAULT_STUN_URL)
    .split(',')
    .map((url) => url.trim())
    .filter((url) => url !== '');
  if (stun.some((url) => parseIceUrl(url)?.kind !== 'stun')) {
    throw new VariableError(
      'STUN_URLS',
      'STUN URLs with commas between them, such as stun:stun.example:3478',
    );
  }
  return { stun, turn: readTurnService(variables) };
}

function readTurnService({ TURN_KEY_ID, TURN_KEY_TOKEN, TURN_API }: IceVariables): TurnService | null {
  const keyId = TURN_KEY_ID?.trim() ?? '';
  const token = TURN_KEY_TOKEN?.trim() ?? '';
  if (keyId === '' && token === '') return null;
  if (keyId === '') throw new VariableError('TURN_KEY_ID', 'set where TURN_KEY_TOKEN is');
  if (token === '') throw new VariableError('TURN_KEY_TOKEN', 'set where TURN_KEY_ID is');
  const api = URL.parse(TURN_API ?? CLOUDFLARE);
  if (!api) throw new VariableError('TURN_API', 'an origin such as https://turn.example');
  return { origin: api.origin, keyId, token };
}
