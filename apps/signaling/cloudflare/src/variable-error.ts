/** A variable of the Worker whose value is of no use. Its message names the variable, and never the value, for whoever deployed it. */
export class VariableError extends Error {
  override readonly name = 'VariableError';

  constructor(variable: string, wanted: string) {
    super(`${variable} has to be ${wanted}`);
  }
}
