type Variables = Readonly<Record<string, string>>;

const ADVISOR = /^(?:LLM_\w+|ADVISOR|ADVISOR_ACCESS|ADVISOR_ACCESS_KEYS|OWNER_KEY)$/;

/**
 * The Worker's variables: what its own file holds, and over that what concerns the advisor in this process's environment. Which other
 * variables hold keys, LLM_UPSTREAMS says, whichever of the two it is in.
 */
export function chooseVariables(
  environment: Readonly<Record<string, string | undefined>>,
  file: Variables,
): Variables {
  const keys = keysNamedIn(environment['LLM_UPSTREAMS'] ?? file['LLM_UPSTREAMS'] ?? '');
  const chosen = Object.entries(environment).flatMap(([name, value]) =>
    value !== undefined && (ADVISOR.test(name) || keys.includes(name)) ? [[name, value] as const] : [],
  );
  return { ...file, ...Object.fromEntries(chosen) };
}

/** What `apiKeyFrom` says anywhere in JSON: whether that is a list of providers, the Worker's own reading tells. */
function keysNamedIn(upstreams: string): unknown[] {
  const keys: unknown[] = [];
  try {
    JSON.parse(upstreams, (name, value: unknown) => {
      if (name === 'apiKeyFrom') keys.push(value);
      return value;
    });
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return keys;
}
