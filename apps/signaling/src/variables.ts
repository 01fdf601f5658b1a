/** A variable of the surroundings whose value is of no use. Its message names the variable, and never the value, for whoever deployed it. */
export class VariableError extends Error {
  override readonly name = 'VariableError';

  constructor(variable: string, wanted: string) {
    super(`${variable} has to be ${wanted}`);
  }
}

/**
 * A number that a variable says, or `fallback` where it is not set.
 *
 * @throws {VariableError}
 */
export function readWholeNumber(
  variable: string,
  text: string | undefined,
  fallback: number,
  largest = Number.MAX_SAFE_INTEGER,
): number {
  if (text === undefined) return fallback;
  const number = Number(text);
  if (/^[0-9]+$/.test(text) && number > 0 && number <= largest) return number;
  const upTo = largest === Number.MAX_SAFE_INTEGER ? '' : ` and at most ${largest}`;
  throw new VariableError(variable, `a whole number greater than 0${upTo}, in decimal digits`);
}
