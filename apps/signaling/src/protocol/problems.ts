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

/** What stands in a catalogue of problems under a code. */
export interface Problem {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
}

/** The problem document for a code. It never tells what was asked, or why it went wrong inside. */
export function problemDocument(code: ProblemCode) {
  return describeProblem(code, PROBLEMS[code]);
}

/** The problem document for a code of any catalogue. */
export function describeProblem<Code extends string>(code: Code, { status, title, detail }: Problem) {
  return { type: 'about:blank', title, status, detail, code };
}

/** The media type of a problem document. */
export const PROBLEM_TYPE = 'application/problem+json';
