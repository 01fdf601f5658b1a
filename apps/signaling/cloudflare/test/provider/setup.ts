import type { TestProject } from 'vitest/node';
import { startProvider } from './provider.ts';

/** Runs one provider for all tests, which tell themselves apart by the names they ask for. */
export default async function setUp({ provide }: TestProject): Promise<() => Promise<void>> {
  const provider = await startProvider();
  provide('llmProvider', provider.origin);
  return provider.stop;
}
