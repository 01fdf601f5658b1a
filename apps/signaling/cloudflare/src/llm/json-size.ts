/** What a JSON text has. */
export interface JsonSize {
  /** How deep its brackets go. */
  readonly levels: number;
  /** How many values it has at most: one more than it has commas and brackets. */
  readonly values: number;
}

/**
 * How deep the brackets of a JSON text go, and how many values it has. It may be no JSON: then the answer only has to come, and quickly.
 * What walks through values calls itself for each level, and ends the stack with enough of them; each value takes many times its bytes.
 *
 * @param enough where to stop counting
 */
export function measureJson(json: string, enough: JsonSize): JsonSize {
  let depth = 0;
  let levels = 0;
  let values = 1;
  let isText = false;
  for (let index = 0; index < json.length && levels < enough.levels && values < enough.values; index++) {
    const character = json.charCodeAt(index);
    if (isText) {
      if (character === BACKSLASH) index++;
      else if (character === QUOTE) isText = false;
    } else if (character === QUOTE) isText = true;
    else if (character === COMMA) values++;
    else if (character === BRACE || character === BRACKET) {
      values++;
      levels = Math.max(levels, ++depth);
    } else if (character === END_BRACE || character === END_BRACKET) depth--;
  }
  return { levels, values };
}

const COMMA = 0x2c;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BRACKET = 0x5b;
const END_BRACKET = 0x5d;
const BRACE = 0x7b;
const END_BRACE = 0x7d;
