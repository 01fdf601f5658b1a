declare namespace Cloudflare {
  interface GlobalProps {
    mainModule: typeof import('../src/worker.ts');
    durableNamespaces: 'Hub' | 'LlmBudget' | 'LlmCache';
  }
  interface Env extends Readonly<import('../src/env.ts').Env> {
    /** What lays out the database, from vitest.config.ts. */
    readonly MIGRATIONS: import('cloudflare:test').D1Migration[];
  }
}
