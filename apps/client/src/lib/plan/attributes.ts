/*
 * Attributes arrive from other people's devices and may hold anything. A schema that refused them would make the editor binding
 * delete the whole element from the shared document, so everything is accepted there and read through these functions.
 */

export type HeadingLevel = 1 | 2 | 3;

/** Highest number that an ordered list may start with: what browsers count reliably, nine digits. */
const HIGHEST_START = 999_999_999;

const LANGUAGE = /^[\w+#.-]{1,30}$/;

/** A heading's level; deeper levels count as 3, what is no number as 1. */
export function readHeadingLevel(value: unknown): HeadingLevel {
  if (typeof value !== 'number' || Number.isNaN(value)) return 1;
  if (value < 2) return 1;
  return value < 3 ? 2 : 3;
}

/** The number that an ordered list starts with, 0 to 999,999,999; 1 when it has no valid one. */
export function readListStart(value: unknown): number {
  return Number.isInteger(value) ? Math.min(HIGHEST_START, Math.max(0, Number(value))) : 1;
}

export function readChecked(value: unknown): boolean {
  return value === true;
}

/** The language of a code block such as `ts` or `c++`, or null. */
export function readLanguage(value: unknown): string | null {
  return typeof value === 'string' && LANGUAGE.test(value) ? value : null;
}
