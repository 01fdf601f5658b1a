import { defineConfig } from 'vitest/config';

/**
 * What needs no workerd: the mailbox's rules over node:sqlite, the same tests as in workerd and more of them, since they are fast
 * there, and the provider that tests ask.
 */
export default defineConfig({
  root: import.meta.dirname,
  // Some rules are about megabytes, which take their time on a busy machine.
  test: {
    name: 'mailbox',
    include: ['src/**/*.node.test.ts', 'test/provider/*.node.test.ts'],
    testTimeout: 60_000,
  },
});
