declare namespace Cloudflare {
  interface GlobalProps {
    mainModule: typeof import('../src/worker.ts');
    durableNamespaces: 'Hub';
  }
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type -- it is merged with the runtime's
  interface Env extends Readonly<import('../src/env.ts').Env> {}
}
