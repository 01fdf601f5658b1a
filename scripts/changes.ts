/**
 * `node scripts/changes.ts [commit]`: whether anything that is deployed differs between that commit, in all of its digits, and what is
 * checked out. Without one that git knows, it does.
 */
import { fileURLToPath } from 'node:url';
import { listChanges, needDeployment } from './deployment/changes.ts';
import { tellGitHub } from './deployment/tell.ts';

const changes = listChanges(fileURLToPath(new URL('..', import.meta.url)), process.argv[2] ?? '');
const deploys = changes === null || needDeployment(changes);
console.log(deploys ? 'There is something to deploy.' : 'Nothing that is deployed has changed.');
tellGitHub('GITHUB_OUTPUT', `deploys=${deploys}\n`);
