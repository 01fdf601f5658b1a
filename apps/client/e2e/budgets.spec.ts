import { expect, test } from '@playwright/test';
import { BUDGETS, measureBuild } from './budgets.ts';

const kilobytes = (bytes: number) => bytes / 1000;

for (const what of Object.keys(BUDGETS) as (keyof typeof BUDGETS)[]) {
  const limit = kilobytes(BUDGETS[what]);
  test(`budget: ${what} at most ${limit} kB of JavaScript, gzipped`, () => {
    const size = kilobytes(measureBuild()[what]);
    test.info().annotations.push({ type: 'size', description: `${size.toFixed(1)} kB of ${limit}` });
    expect(size).toBeGreaterThan(3);
    expect(size).toBeLessThanOrEqual(limit);
  });
}
