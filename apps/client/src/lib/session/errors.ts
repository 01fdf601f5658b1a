import type { catalogue } from './error-sentences.ts';

/** The stable codes of everything that can keep a session from being opened or kept. */
export type ErrorCode = keyof typeof catalogue;

/**
 * An error with a stable code; what to tell the person is in the {@link catalogue}, which is loaded when it is needed.
 * Neither holds a link, a key or content.
 */
export class SessionError extends Error {
  override readonly name = 'SessionError';

  readonly code: ErrorCode;

  constructor(code: ErrorCode, options?: ErrorOptions) {
    super(code, options);
    this.code = code;
  }
}
