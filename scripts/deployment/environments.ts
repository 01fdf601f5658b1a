/** What can be deployed: the names of its Worker and its database, as in the relay's wrangler.jsonc. */
export const ENVIRONMENTS = {
  staging: { worker: 'parley-staging', database: 'parley-staging' },
  production: { worker: 'parley', database: 'parley' },
} as const;

export type Environment = keyof typeof ENVIRONMENTS;

export function isEnvironment(text: string | undefined): text is Environment {
  return text !== undefined && Object.hasOwn(ENVIRONMENTS, text);
}
