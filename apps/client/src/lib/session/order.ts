import { generateKeyBetween } from 'fractional-indexing';
import type { RandomBytes } from './keys.ts';

/**
 * A key that sorts (by code unit) after `before` and before `after`; null means no neighbour on that side. Sixteen
 * random bits keep two people who insert at the same place at the same time apart.
 *
 * Keys come from other devices: one that is not well-formed counts as no neighbour, and of two that are not in order
 * only `before` counts, because a sorted list with a new item somewhat off is better than none.
 */
export function orderBetween(before: string | null, after: string | null, random: RandomBytes): string {
  const lower = isOrder(before) ? before : null;
  const upper = isOrder(after) && (lower === null || lower < after) ? after : null;
  let low = generateKeyBetween(lower, upper);
  let high = generateKeyBetween(low, upper);
  for (const byte of random(2)) {
    for (let bit = 0; bit < 8; bit++) {
      const middle = generateKeyBetween(low, high);
      if ((byte >> bit) & 1) low = middle;
      else high = middle;
    }
  }
  return generateKeyBetween(low, high);
}

/** Sorts by order; ties and malformed keys fall back on the id, the same on every device. */
export function compareOrder(a: { order: string; id: string }, b: { order: string; id: string }): number {
  return compare(a.order, b.order) || compare(a.id, b.id);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function isOrder(key: string | null): key is string {
  if (key === null) return false;
  try {
    generateKeyBetween(key, null);
    return true;
  } catch {
    // The library's only way of saying that a key is malformed.
    return false;
  }
}
