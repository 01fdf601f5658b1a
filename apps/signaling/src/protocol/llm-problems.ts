import type { Problem } from './problems.ts';

/**
 * What the LLM proxy may answer besides {@link ./problems.ts}. A catalogue of its own: who keeps a session in sync never meets these, and need not
 * carry them.
 */
export const LLM_PROBLEMS = {
  'llm/answer-too-long': {
    status: 502,
    title: 'Bad Gateway',
    detail: 'The AI provider’s answer took longer, or was larger, than the relay passes on. It ends here.',
  },
  'llm/image-refused': {
    status: 400,
    title: 'Bad Request',
    detail:
      'This relay does not take such an image: it takes none, or only those that the request itself holds.',
  },
  'llm/key-refused': {
    status: 403,
    title: 'Forbidden',
    detail: 'The advisor of this relay takes an access key, which whoever runs the relay gives out.',
  },
  'llm/malformed': {
    status: 400,
    title: 'Bad Request',
    detail: 'The request is no JSON in UTF-8, is nested too deeply, or has too many values.',
  },
  'llm/misconfigured': {
    status: 503,
    title: 'Service Unavailable',
    detail: 'A setting of this relay’s AI providers is of no use. Its log names it, for whoever runs it.',
  },
  'llm/network-money-spent': {
    status: 402,
    title: 'Payment Required',
    detail:
      'What the relay pays in a day for your network’s questions to the advisor is spent. Try again after Retry-After.',
  },
  'llm/network-tokens-spent': {
    status: 429,
    title: 'Too Many Requests',
    detail: 'The tokens that your network may use in a day are spent. Try again after Retry-After.',
  },
  'llm/network-too-busy': {
    status: 429,
    title: 'Too Many Requests',
    detail: 'So many answers go to your network at this moment already. Try again after Retry-After.',
  },
  'llm/not-configured': {
    status: 503,
    title: 'Service Unavailable',
    detail:
      'This relay has no AI provider. Whoever runs it can set LLM_BASE_URL, LLM_MODELS and, where the provider wants one, LLM_API_KEY.',
  },
  'llm/off': {
    status: 403,
    title: 'Forbidden',
    detail: 'Whoever runs this relay has switched its advisor off.',
  },
  'llm/parameter': {
    status: 400,
    title: 'Bad Request',
    detail: 'A parameter of the request is missing, unknown to the relay, or none that it takes.',
  },
  'llm/relay-money-spent': {
    status: 402,
    title: 'Payment Required',
    detail: 'What this relay pays in a day for its advisor is spent. Try again after Retry-After.',
  },
  'llm/relay-tokens-spent': {
    status: 429,
    title: 'Too Many Requests',
    detail: 'The tokens that this relay’s advisor may use in a day are spent. Try again after Retry-After.',
  },
  'llm/relay-too-busy': {
    status: 429,
    title: 'Too Many Requests',
    detail: 'This relay’s advisor gives so many answers at this moment already. Try again after Retry-After.',
  },
  'llm/session-money-spent': {
    status: 402,
    title: 'Payment Required',
    detail:
      'What the relay pays in a day for one session’s questions to the advisor is spent. Try again after Retry-After.',
  },
  'llm/session-tokens-spent': {
    status: 429,
    title: 'Too Many Requests',
    detail: 'The tokens that one session may use in a day are spent. Try again after Retry-After.',
  },
  'llm/session-too-busy': {
    status: 429,
    title: 'Too Many Requests',
    detail: 'So many answers go to this session at this moment already. Try again after Retry-After.',
  },
  'llm/too-large': {
    status: 413,
    title: 'Content Too Large',
    detail: 'The request is larger than the relay passes on to an AI provider.',
  },
  'llm/too-long': {
    status: 400,
    title: 'Bad Request',
    detail: 'The request is longer than the model can read.',
  },
  'llm/unknown-model': {
    status: 404,
    title: 'Not Found',
    detail: 'This relay has no such model. GET /api/llm/v1/models lists those that it has.',
  },
  'llm/upstream-account': {
    status: 502,
    title: 'Bad Gateway',
    detail:
      'The AI provider turns the relay away: its key, or what was paid for. Whoever runs the relay has to look at it.',
  },
  'llm/upstream-busy': {
    status: 503,
    title: 'Service Unavailable',
    detail: 'The AI provider has too much to do. Try again after Retry-After.',
  },
  'llm/upstream-cut': {
    status: 502,
    title: 'Bad Gateway',
    detail: 'The AI provider’s answer broke off.',
  },
  'llm/upstream-failed': {
    status: 502,
    title: 'Bad Gateway',
    detail: 'The AI provider failed, or cannot be reached. Try again in a while.',
  },
  'llm/upstream-model': {
    status: 502,
    title: 'Bad Gateway',
    detail: 'The AI provider does not know this model. Whoever runs the relay has to look at it.',
  },
  'llm/upstream-nonsense': {
    status: 502,
    title: 'Bad Gateway',
    detail: 'The AI provider answered something that is no answer.',
  },
  'llm/upstream-refused': {
    status: 400,
    title: 'Bad Request',
    detail: 'The AI provider does not take this request: the model may not know one of its parameters.',
  },
  'llm/upstream-silent': {
    status: 504,
    title: 'Gateway Timeout',
    detail: 'The AI provider did not answer in time.',
  },
} as const satisfies Record<string, Problem>;

export type LlmProblemCode = keyof typeof LLM_PROBLEMS;
