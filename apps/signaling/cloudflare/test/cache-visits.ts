import { afterEach, beforeEach, expect, vi, type MockInstance } from 'vitest';
import { LlmCache } from '../src/llm/cache-object.ts';

/** Sees the calls that come to the caches of a file's tests; whoever is not answered at once waits from then on. */
export function watchCaches() {
  let entered: MockInstance<LlmCache['enter']>;
  beforeEach(() => {
    entered = vi.spyOn(LlmCache.prototype, 'enter');
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });
  return {
    /** The indices that were asked for in this test, in order. */
    indices: () => entered.mock.calls.map(([index]) => index),
    /** Waits until so many have come. */
    untilEntered: (times: number) =>
      vi.waitFor(() => expect(entered).toHaveBeenCalledTimes(times), { timeout: 20_000 }),
  };
}
