import { execFileSync } from 'node:child_process';

/** Nothing from here is deployed, or decides how that is done. */
const APART = /^(?:docs|bench|spikes|\.ci)\/|^\.github\/workflows\/ci\.yml$|^README\.md$/;

/** @param files paths from the root of the checkout */
export function needDeployment(files: readonly string[]): boolean {
  return files.some((file) => !APART.test(file));
}

/**
 * The files that differ between a commit and what is checked out, under their old names and their new ones; null when there is no such
 * commit, as before a branch's first push and after one that was forced.
 */
export function listChanges(checkout: string, since: string): string[] | null {
  if (!/^[0-9a-f]{40}$/.test(since)) return null;
  try {
    const printed = execFileSync('git', ['diff', '--name-only', '--no-renames', '-z', since, 'HEAD'], {
      cwd: checkout,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return printed.split('\0').filter((file) => file !== '');
  } catch {
    // git does not know the commit.
    return null;
  }
}
