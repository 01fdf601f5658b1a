/**
 * What the relay may answer instead of what was asked for: the stable `code` of a problem document (RFC 9457), its
 * HTTP status, that status in words, and a sentence for people.
 */
export const PROBLEMS = {
  'access/key-refused': {
    status: 403,
    title: 'Forbidden',
    detail: 'This relay is private. It takes an access key, which whoever runs it gives out.',
  },
  'access/origin-refused': {
    status: 403,
    title: 'Forbidden',
    detail: 'This relay does not serve pages of that origin.',
  },
  'access/scope': {
    status: 403,
    title: 'Forbidden',
    detail: 'The token does not open this.',
  },
  'access/token-audience': {
    status: 401,
    title: 'Unauthorized',
    detail: 'The token was made for another relay or another session.',
  },
  'access/token-expired': {
    status: 401,
    title: 'Unauthorized',
    detail: 'The token is not valid at this time. Compare your clock with the Date of this answer.',
  },
  'access/token-malformed': {
    status: 401,
    title: 'Unauthorized',
    detail: 'The Authorization header holds no token that the relay can read.',
  },
  'access/token-missing': {
    status: 401,
    title: 'Unauthorized',
    detail: 'This needs a token in the Authorization header.',
  },
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
  'mailbox/conflict': {
    status: 409,
    title: 'Conflict',
    detail: 'An envelope with this id and other bytes is there already.',
  },
  'mailbox/deleted': {
    status: 410,
    title: 'Gone',
    detail: 'The session was deleted from the relay. It takes nothing more.',
  },
  'mailbox/malformed': {
    status: 400,
    title: 'Bad Request',
    detail: 'The request is not what the mailbox expects here.',
  },
  'mailbox/not-found': {
    status: 404,
    title: 'Not Found',
    detail: 'There is no such session, or this key does not open it.',
  },
  'mailbox/quota-exceeded': {
    status: 507,
    title: 'Insufficient Storage',
    detail: 'The session has reached what the relay keeps of one. A smaller snapshot makes room.',
  },
  'mailbox/stale-snapshot': {
    status: 409,
    title: 'Conflict',
    detail: 'The snapshot does not follow the current one, or covers more than there is or no more than it.',
  },
  'mailbox/too-fast': {
    status: 429,
    title: 'Too Many Requests',
    detail:
      'The session sends more envelopes a minute, or at once, than the relay takes. Try again after Retry-After.',
  },
  'mailbox/too-large': {
    status: 413,
    title: 'Content Too Large',
    detail: 'The request is larger than the mailbox takes at once.',
  },
  'relay/budget-spent': {
    status: 429,
    title: 'Too Many Requests',
    detail: 'The relay has taken what it takes in a day, or keeps. Try again after Retry-After.',
  },
  'relay/internal-error': {
    status: 500,
    title: 'Internal Server Error',
    detail: 'The relay made a mistake. Try again in a while.',
  },
  'relay/not-found': {
    status: 404,
    title: 'Not Found',
    detail: 'There is nothing at this address.',
  },
  'relay/too-many-connections': {
    status: 429,
    title: 'Too Many Requests',
    detail: 'So many connections come from this network already. Try again after Retry-After.',
  },
  'relay/unavailable': {
    status: 503,
    title: 'Service Unavailable',
    detail: 'The relay’s storage did not answer. Try again: what was taken all the same is not taken twice.',
  },
  'relay/upgrade-required': {
    status: 426,
    title: 'Upgrade Required',
    detail: 'This address speaks WebSocket only.',
  },
} as const;

export type ProblemCode = keyof typeof PROBLEMS;

/** The problem document for a code. It never tells what was asked, or why it went wrong inside. */
export function problemDocument(code: ProblemCode) {
  const { status, title, detail } = PROBLEMS[code];
  return { type: 'about:blank', title, status, detail, code };
}

/** The media type of a problem document. */
export const PROBLEM_TYPE = 'application/problem+json';
