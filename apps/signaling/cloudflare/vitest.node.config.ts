import { defineConfig } from 'vitest/config';

/** The mailbox's rules over node:sqlite: the same tests as in workerd and more of them, since they are fast there. */
export default defineConfig({
  root: import.meta.dirname,
  test: { name: 'mailbox', include: ['src/**/*.node.test.ts'] },
});
