/** The limit of a Worker between a client and a provider: it passes on, and looks at nothing. */
export default {
  fetch: (request, env) => fetch(new Request(env.PROVIDER, request)),
};
