/** Why something was not deployed. */
export type DeploymentErrorCode =
  /** A call of wrangler failed; what it printed says why. */
  | 'deployment/wrangler-failed'
  /** wrangler answered with something that is not understood. */
  | 'deployment/unreadable'
  /** The smoke test of what was deployed failed. */
  | 'deployment/smoke-failed'
  /** Where the relay answers is not known: `RELAY_URL` says it. */
  | 'deployment/no-address';

export class DeploymentError extends Error {
  override readonly name = 'DeploymentError';
  readonly code: DeploymentErrorCode;

  constructor(code: DeploymentErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
