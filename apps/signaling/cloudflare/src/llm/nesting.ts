/**
 * How deep the brackets of a JSON text go. It may be no JSON: then the answer only has to come, and quickly. What walks through values calls
 * itself for each level, and ends the stack with enough of them.
 *
 * @param enough where to stop counting
 */
export function nestingOf(json: string, enough: number): number {
  let depth = 0;
  let deepest = 0;
  let isText = false;
  for (let index = 0; index < json.length && deepest < enough; index++) {
    const character = json.charCodeAt(index);
    if (isText) {
      if (character === BACKSLASH) index++;
      else if (character === QUOTE) isText = false;
    } else if (character === QUOTE) isText = true;
    else if (character === BRACE || character === BRACKET) deepest = Math.max(deepest, ++depth);
    else if (character === END_BRACE || character === END_BRACKET) depth--;
  }
  return deepest;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BRACKET = 0x5b;
const END_BRACKET = 0x5d;
const BRACE = 0x7b;
const END_BRACE = 0x7d;
