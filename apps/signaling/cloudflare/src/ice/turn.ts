import { ICE_ANSWER_LIMIT, parseIceUrl, type IceServer } from '@parley/signaling/ice';
import * as z from 'zod/mini';
import { readBody } from '../mailbox/request-body.ts';
import { RelayProblem } from '../relay-problem.ts';
import type { TurnService } from './settings.ts';

/** The TURN service gave no credentials. Its message is for the log: it holds a code, and nothing that was asked or answered. */
export class TurnError extends Error {
  override readonly name = 'TurnError';

  constructor(reason: 'refused' | 'silent' | 'nonsense', status: number | null, options?: ErrorOptions) {
    super(`turn/${reason}${status === null ? '' : ` ${status}`}`, options);
  }
}

/** How long the service may take for all of its answer, in milliseconds. */
const PATIENCE = 3_000;

/** Cloudflare's answer, as far as it is used: a server may have other fields, and be none of TURN. */
const answer = z.object({
  iceServers: z.array(
    z.object({
      urls: z.array(z.string()),
      username: z.optional(z.string()),
      credential: z.optional(z.string()),
    }),
  ),
});

/**
 * Asks Cloudflare Realtime for TURN credentials ([IC3]); the service's STUN servers are not passed on.
 *
 * @param seconds for which they are to be good, at most 48 hours
 * @throws {TurnError}
 * @see https://developers.cloudflare.com/realtime/turn/generate-credentials/
 */
export async function requestTurn(
  { origin, keyId, token }: TurnService,
  seconds: number,
  patience = PATIENCE,
): Promise<IceServer[]> {
  const address = `${origin}/v1/turn/keys/${encodeURIComponent(keyId)}/credentials/generate-ice-servers`;
  let response: Response;
  let body: Uint8Array;
  try {
    response = await fetch(address, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ ttl: seconds }),
      // Wherever it would lead is not where the key belongs.
      redirect: 'manual',
      signal: AbortSignal.timeout(patience),
    });
    body = await readBody(response.body, ICE_ANSWER_LIMIT);
  } catch (cause) {
    const isTooLarge = cause instanceof RelayProblem && cause.code === 'mailbox/too-large';
    throw new TurnError(isTooLarge ? 'nonsense' : 'silent', null, { cause });
  }
  if (!response.ok) throw new TurnError('refused', response.status);
  const servers = readServers(body);
  if (servers.length === 0) throw new TurnError('nonsense', response.status);
  return servers;
}

/** The TURN servers of an answer that browsers can use; none of one that is nonsense. */
function readServers(body: Uint8Array): IceServer[] {
  const { data } = answer.safeParse(parseJson(body));
  return (data?.iceServers ?? []).flatMap(({ urls, username, credential }) => {
    const usable = urls.filter(isUsable);
    return usable.length > 0 && username && credential ? [{ urls: usable, username, credential }] : [];
  });
}

/** Browsers do not connect to port 53, and wait for it in vain. */
function isUsable(url: string): boolean {
  const parsed = parseIceUrl(url);
  return parsed?.kind === 'turn' && parsed.port !== 53;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
