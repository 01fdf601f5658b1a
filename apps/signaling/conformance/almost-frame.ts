import fc from 'fast-check';

/** Frames near the protocol: pieces of it, put together wrongly, cut and stained. */
export const almostFrame = fc
  .tuple(
    fc.oneof(
      fc.json(),
      fc.string({ unit: 'binary' }),
      fc.record(
        {
          type: fc.oneof(
            fc.constantFrom('subscribe', 'unsubscribe', 'publish', 'ping', '__proto__'),
            fc.anything(),
          ),
          topics: fc.oneof(fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.anything())), fc.anything()),
          topic: fc.oneof(fc.constant('theirs'), fc.anything()),
          clients: fc.anything(),
        },
        { requiredKeys: [] },
      ),
    ),
    fc.nat(200),
    fc.constantFrom('keep', 'cut', 'stain', 'repeat'),
  )
  .map(([value, at, way]) => {
    const frame = typeof value === 'string' ? value : asJson(value);
    if (way === 'cut') return frame.slice(0, at);
    if (way === 'stain') return `${frame.slice(0, at)}\u0000"{[${frame.slice(at + 1)}`;
    return way === 'repeat' ? frame + frame : frame;
  });

/** The first so many of them, the same ones each time. */
export function almostFrames(count: number): string[] {
  return fc.sample(almostFrame, { numRuns: count, seed: 5 });
}

function asJson(value: unknown): string {
  try {
    return JSON.stringify(value, (_key, inner: unknown) =>
      typeof inner === 'bigint' ? String(inner) : inner,
    );
  } catch (error) {
    return `not serialisable: ${String(error)}`;
  }
}
