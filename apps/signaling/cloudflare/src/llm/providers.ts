import { VariableError } from '@parley/signaling/variables';
import * as z from 'zod/mini';

/** Who answers questions: an endpoint that speaks OpenAI's format, or Workers AI. */
export interface Provider {
  /** What logs and clients call it. */
  readonly name: string;
  /** Where `/chat/completions` is, without a slash at its end; null for Workers AI. */
  readonly baseUrl: string | null;
  readonly apiKey: string | null;
  /** Whether nothing that it answers costs money. */
  readonly isFree: boolean;
  /** What it calls the most tokens that an answer may have: OpenAI's newer models do not know `max_tokens`, others nothing else. */
  readonly lengthParameter: 'max_tokens' | 'max_completion_tokens';
  /** Its models: what clients call them, and what it calls them. */
  readonly models: ReadonlyMap<string, string>;
}

/** The variables that {@link readProviders} reads. */
export interface ProviderVariables {
  /** An endpoint that speaks OpenAI's format, such as `https://api.openai.com/v1`. */
  readonly LLM_BASE_URL?: string | undefined;
  /** A secret: its key, where it wants one. */
  readonly LLM_API_KEY?: string | undefined;
  /** Models, with commas between them; the first is the default. For Workers AI too. */
  readonly LLM_MODELS?: string | undefined;
  /** Several of them, in the order in which they are tried: JSON, see docs/operations.md. A secret if it holds a key. */
  readonly LLM_UPSTREAMS?: string | undefined;
  /** `demo`: the demonstration answers, which costs nothing. */
  readonly ADVISOR?: string | undefined;
}

/** What answers where nothing is set: it knows tools and many languages, speaks OpenAI's format, and is among the cheapest. */
export const WORKERS_AI_MODEL = '@cf/zai-org/glm-4.7-flash';

const modelId = z.string().check(z.regex(/^[\w@][\w@./:+-]{0,127}$/));
const text = z.string().check(z.minLength(1));

const upstreams = z
  .array(
    z.strictObject({
      name: z.string().check(z.regex(/^[a-z0-9][a-z0-9-]{0,39}$/)),
      /** `workers-ai` for the binding. */
      baseUrl: text,
      apiKey: z.optional(text),
      apiKeyFrom: z.optional(z.string().check(z.regex(/^[A-Z][A-Z0-9_]*$/))),
      free: z.optional(z.boolean()),
      lengthParameter: z.optional(z.enum(['max_tokens', 'max_completion_tokens'])),
      models: z
        .array(z.union([modelId, z.strictObject({ id: modelId, as: modelId })]))
        .check(z.minLength(1), z.maxLength(100)),
    }),
  )
  .check(z.minLength(1), z.maxLength(20));

/**
 * Who answers, in the order in which they are tried ([LLM2]); nobody where nothing is set and there is no Workers AI.
 *
 * @throws {VariableError} names the first variable that is of no use, and never its value
 */
export function readProviders(variables: ProviderVariables, hasWorkersAi: boolean): readonly Provider[] {
  const advisor = given(variables.ADVISOR);
  if (advisor !== null && advisor !== 'demo') throw new VariableError('ADVISOR', '"demo", or not set');
  const several = given(variables.LLM_UPSTREAMS);
  const baseUrl = given(variables.LLM_BASE_URL);
  if (several !== null) {
    if (baseUrl !== null || given(variables.LLM_MODELS) !== null) {
      throw new VariableError('LLM_UPSTREAMS', 'set without LLM_BASE_URL and LLM_MODELS');
    }
    return readSeveral(several, variables, hasWorkersAi);
  }
  const apiKey = given(variables.LLM_API_KEY);
  const models = listModels(given(variables.LLM_MODELS));
  if (baseUrl !== null) {
    if (models.length === 0) {
      throw new VariableError('LLM_MODELS', 'set where LLM_BASE_URL is: models, with commas between them');
    }
    const url = readUrl('LLM_BASE_URL', baseUrl);
    // People are told who reads what they ask, but not what hosts are called in somebody's network.
    const name = advisor === 'demo' ? 'demonstration' : isNear(url.hostname) ? 'local' : url.hostname;
    return [describe(name, url, { apiKey, models: sameNames(models) })];
  }
  if (advisor === 'demo') {
    throw new VariableError('ADVISOR', 'set for `pnpm start`, which runs the demonstration and says where');
  }
  if (apiKey !== null) throw new VariableError('LLM_BASE_URL', 'set where LLM_API_KEY is');
  if (!hasWorkersAi) {
    if (models.length > 0) throw new VariableError('LLM_BASE_URL', 'set where LLM_MODELS is');
    return [];
  }
  return [describeWorkersAi('workers-ai', sameNames(models.length > 0 ? models : [WORKERS_AI_MODEL]))];
}

function readSeveral(json: string, variables: ProviderVariables, hasWorkersAi: boolean): readonly Provider[] {
  const { data, error } = upstreams.safeParse(parse(json));
  if (!data) {
    const path = error.issues[0]?.path.join('.') ?? '';
    throw new VariableError(
      'LLM_UPSTREAMS',
      `a list of providers in JSON, like [{"name":"openai","baseUrl":"https://api.openai.com/v1","apiKeyFrom":"OPENAI_API_KEY","models":["gpt-5-mini"]}]${path === '' ? '' : `; look at ${path}`}`,
    );
  }
  if (new Set(data.map(({ name }) => name)).size < data.length) {
    throw new VariableError('LLM_UPSTREAMS', 'a list of providers with a name each of its own');
  }
  return data.map(({ name, baseUrl, apiKey, apiKeyFrom, free, lengthParameter, models }) => {
    const names = new Map(
      models.map((model) => (typeof model === 'string' ? [model, model] : [model.id, model.as])),
    );
    if (baseUrl === 'workers-ai') {
      if ([apiKey, apiKeyFrom, free, lengthParameter].some((more) => more !== undefined)) {
        throw new VariableError('LLM_UPSTREAMS', 'a list in which workers-ai has a name and models only');
      }
      if (hasWorkersAi) return describeWorkersAi(name, names);
      throw new VariableError('LLM_UPSTREAMS', 'a list without workers-ai: this Worker has no such binding');
    }
    if (apiKey !== undefined && apiKeyFrom !== undefined) {
      throw new VariableError(
        'LLM_UPSTREAMS',
        'a list with apiKey or apiKeyFrom for each provider, not both',
      );
    }
    const key = apiKeyFrom === undefined ? (apiKey ?? null) : readKey(apiKeyFrom, variables);
    const url = readUrl('LLM_UPSTREAMS', baseUrl);
    const described = describe(name, url, { apiKey: key, models: names });
    return {
      ...described,
      isFree: free ?? described.isFree,
      lengthParameter: lengthParameter ?? described.lengthParameter,
    };
  });
}

function describe(name: string, url: URL, { apiKey, models }: Pick<Provider, 'apiKey' | 'models'>): Provider {
  const isOpenAi = url.hostname === 'api.openai.com';
  return {
    name,
    baseUrl: url.href.replace(/\/+$/, ''),
    apiKey,
    isFree: apiKey === null && isNear(url.hostname),
    lengthParameter: isOpenAi ? 'max_completion_tokens' : 'max_tokens',
    models,
  };
}

function describeWorkersAi(name: string, models: Provider['models']): Provider {
  return { name, baseUrl: null, apiKey: null, isFree: false, lengthParameter: 'max_tokens', models };
}

/** The key that another variable holds, which may have any name. */
function readKey(variable: string, variables: object): string {
  const value: unknown = Reflect.get(variables, variable);
  const key = typeof value === 'string' ? given(value) : null;
  if (key === null) throw new VariableError(variable, 'set: LLM_UPSTREAMS names it as a key');
  return key;
}

function readUrl(variable: string, text: string): URL {
  const url = URL.parse(text);
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isNear(url.hostname));
  if (!url || !isSafe || url.username !== '' || url.password !== '' || /[?#]/.test(url.href)) {
    throw new VariableError(
      variable,
      'an address such as https://api.openai.com/v1, without a name, password, query or fragment; http only on one’s own machine or network',
    );
  }
  return url;
}

/** Whether this host is on the relay's own machine or network. */
function isNear(hostname: string): boolean {
  return (
    /^(?:localhost|127(?:\.\d+){3}|\[::1\]|10(?:\.\d+){3}|192\.168(?:\.\d+){2})$/.test(hostname) ||
    /^172\.(?:1[6-9]|2\d|3[01])(?:\.\d+){2}$/.test(hostname) ||
    /\.(?:localhost|local|internal|home\.arpa)$/.test(hostname) ||
    // A name without a point is nobody's in the wide world.
    /^[a-z][a-z0-9-]*$/.test(hostname)
  );
}

function listModels(text: string | null): string[] {
  const models = text?.split(',').map((model) => model.trim()) ?? [];
  if (models.every((model) => modelId.safeParse(model).success)) return [...new Set(models)];
  throw new VariableError('LLM_MODELS', 'models with commas between them, such as gpt-5-mini, gpt-5');
}

function sameNames(models: readonly string[]): Provider['models'] {
  return new Map(models.map((model) => [model, model]));
}

/** A variable that is empty is not set; one from a file ends with its line. */
export function given(text: string | undefined): string | null {
  return text?.trim() || null;
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
