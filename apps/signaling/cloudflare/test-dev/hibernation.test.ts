import { readFileSync } from 'node:fs';
import { inject } from 'vitest';
import { describeHibernation } from '../../conformance/hibernation.ts';

/** What the hub's code has done since the relay was started, a line for every call. */
const traces = () =>
  readFileSync(inject('relayLog'), 'utf8')
    .split('\n')
    .flatMap((line) => /trace: (.*)$/.exec(line)?.[1] ?? []);

describeHibernation({
  url: () => `${inject('relayUrl').replace('http', 'ws')}/signaling`,
  restMs: 61_000,
  traces,
});
