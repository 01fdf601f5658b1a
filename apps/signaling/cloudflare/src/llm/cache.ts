import { logError } from '../operations/log.ts';
import type { Lead, LlmCache } from './cache-object.ts';
import { deriveCacheKeys, openAnswer, sealAnswer, type CacheKeys } from './cache-seal.ts';

/** A question of a session that may have been asked before. */
export interface Asked {
  /** The session's own. */
  readonly cache: DurableObjectStub<LlmCache>;
  readonly sessionId: string;
  /** The exact bytes that a provider would get. */
  readonly request: Uint8Array<ArrayBuffer>;
  readonly get: () => Promise<Got>;
  /** Takes work that goes on after the answer, such as `waitUntil`. */
  readonly later: (work: Promise<void>) => void;
}

export interface Got {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Whether it is one for those who ask the same: complete, and no failure. */
  readonly keep: boolean;
}

export interface Answered {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where it is from: it was there (`hit`), came while somebody else was getting it (`shared`), or was got for this question. */
  readonly source: 'hit' | 'shared' | 'new';
}

/**
 * Gets the answer to a question, unless the session has it or is getting it already ([LLM17]). A failure is only that of whoever it
 * happens to: of those who wait the next gets the answer. Where the cache fails, everybody gets the answer alone.
 *
 * @throws what `get` throws
 */
export async function answerOnce({ cache, sessionId, request, get, later }: Asked): Promise<Answered> {
  const keys = await deriveCacheKeys(request, sessionId);
  const getAlone = async (): Promise<Answered> => ({ bytes: (await get()).bytes, source: 'new' });
  for (;;) {
    let entrance;
    try {
      entrance = await cache.enter(keys.index);
    } catch (error) {
      logError('llm cache', error);
      return await getAlone();
    }
    if (entrance.state === 'again') continue;
    if (entrance.state === 'hit') {
      const bytes = await openAnswer(keys, entrance.sealed);
      return bytes ? { bytes, source: entrance.waited ? 'shared' : 'hit' } : await getAlone();
    }
    const { lead } = entrance;
    let answer;
    try {
      answer = await get();
    } catch (error) {
      lead[Symbol.dispose]();
      throw error;
    }
    later(handOn(lead, keys, answer));
    return { bytes: answer.bytes, source: 'new' };
  }
}

async function handOn(lead: Rpc.Stub<Lead>, keys: CacheKeys, { bytes, keep }: Got): Promise<void> {
  try {
    if (keep) await lead.bring(await sealAnswer(keys, bytes));
  } catch (error) {
    logError('llm cache', error);
  } finally {
    lead[Symbol.dispose]();
  }
}
