import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseMessage, type TabBody, type TabMessage } from './messages.ts';

const from = { tab: 'a', kind: 'edit', client: 5, sender: 'b' } as const;
const bytes = Uint8Array.of(1, 2);
const bodies: TabBody[] = [
  { type: 'hello', vector: bytes },
  { type: 'sync', to: 'a', base: { a: 1 }, update: bytes, vector: null, tabs: [from] },
  { type: 'change', after: 0, upTo: 1, updates: [bytes], own: true, committed: false },
  { type: 'awareness', update: bytes, lost: [7], to: null },
  { type: 'told', tells: 'facts', told: { any: [1] } },
  { type: 'ping' },
  { type: 'pong', hidden: 3 },
  { type: 'yield', to: 'a' },
  { type: 'yielded', to: 'a' },
  { type: 'bye' },
  { type: 'gone', tab: 'a', client: 5 },
];
const messages = bodies.map((body): TabMessage => ({
  version: 1,
  from,
  clock: { a: 2 },
  leads: false,
  body,
}));

describe('a message between tabs', () => {
  it.each(messages)('[TB12] is read as it was sent: $body.type', (message) => {
    expect(parseMessage(structuredClone(message))).toEqual(message);
  });

  it('[TB12] is dropped where a part is missing or something else', () => {
    const arbitrary = fc.oneof(fc.constant(undefined), fc.anything());
    fc.assert(
      fc.property(fc.constantFrom(...messages), fc.nat(), arbitrary, (message, which, value) => {
        const { type, ...parts } = message.body;
        const names = [
          ...Object.keys(parts).map((name) => `body.${name}`),
          'version',
          'from',
          'clock',
          'leads',
        ];
        const name = names[which % names.length] ?? '';
        const isBody = name.startsWith('body.');
        const changed: unknown = isBody
          ? { ...message, body: { type, ...parts, [name.slice(5)]: value } }
          : { ...message, [name]: value };
        const parsed = parseMessage(changed);
        // Either it is no message, or it is one that means what it says.
        if (parsed !== null) expect(parsed).toEqual(changed);
        if (value === undefined && name !== 'body.told') expect(parsed).toBeNull();
      }),
    );
  });

  it('[TB12] is dropped where it is something else altogether', () => {
    fc.assert(
      fc.property(fc.anything(), (data) => {
        expect(parseMessage(data)).toBeNull();
      }),
    );
  });
});
