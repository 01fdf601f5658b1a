import { expect, it } from 'vitest';
import { placeBar } from './bars.ts';

const BARS = { top: 100, bottom: 50 };

function placed(top: number, bottom: number): number {
  return placeBar({ top, bottom }, 40, BARS, 600);
}

it('puts a bar under the end of its text', () => {
  expect(placed(200, 300)).toBe(306);
});

it('puts it above the text when there is no room below', () => {
  expect(placed(480, 520)).toBe(434);
});

it.each([
  ['fills the window', 110, 900],
  ['goes on beyond it', -500, 5000],
  ['is further down', 2000, 2020],
])('keeps it above the bar below when the text %s', (_what, top, bottom) => {
  expect(placed(top, bottom)).toBe(504);
});

it('keeps it below the bar above when the text is further up, or there is no room at all', () => {
  expect(placed(-900, -20)).toBe(106);
  expect(placeBar({ top: 110, bottom: 130 }, 40, BARS, 160)).toBe(106);
});
