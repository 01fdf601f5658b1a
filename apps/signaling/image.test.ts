import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join, matchesGlob, relative } from 'node:path';
import { promisify } from 'node:util';
import { Copy, DockerfileParser, From, JSONInstruction, type Instruction } from 'dockerfile-ast';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';

// What the Dockerfile says, done without Docker: a folder stands for each image.
const checkout = join(import.meta.dirname, '../..');
const images = mkdtempSync(join(tmpdir(), 'parley-image-'));
const dockerfile = DockerfileParser.parse(readFileSync(join(import.meta.dirname, 'Dockerfile'), 'utf8'));
const ignored = readFileSync(join(import.meta.dirname, 'Dockerfile.dockerignore'), 'utf8')
  .trim()
  .split('\n');
const instructions = dockerfile.getInstructions();
const PATH = [dirname(process.execPath), process.env['PATH']].join(delimiter);
const run = promisify(execFile);

beforeAll(async () => {
  // Another user has to get in as well.
  chmodSync(images, 0o755);
  let stage = '';
  let folder = '/';
  for (const instruction of instructions) {
    if (instruction instanceof From) {
      stage = instruction.getBuildStage() ?? 'final';
      folder = '/';
    } else if (instruction instanceof Copy) {
      const from = instruction.getFromFlag()?.getValue() ?? null;
      copy(from === null ? checkout : join(images, from), join(images, stage), folder, wordsOf(instruction));
    } else if (instruction.getKeyword() === 'WORKDIR') {
      folder = instruction.getArgumentsContent() ?? '';
    } else if (instruction.getKeyword() === 'RUN') {
      await perform(instruction.getArgumentsContent() ?? '', join(images, stage, folder));
    }
  }
}, 120_000);

afterAll(() => rmSync(images, { recursive: true, force: true }));

/** COPY, without what the build never gets to see. */
function copy(from: string, image: string, folder: string, words: string[]): void {
  const target = words.at(-1) ?? '';
  const absolute = join(image, target.startsWith('/') ? target : join(folder, target));
  for (const word of words.slice(0, -1)) {
    const source = join(from, word);
    const filter = (file: string) =>
      from !== checkout || !ignored.some((pattern) => matchesGlob(relative(checkout, file), pattern));
    mkdirSync(dirname(`${absolute}.`), { recursive: true });
    cpSync(source, target.endsWith('/') ? join(absolute, basename(source)) : absolute, {
      ...{ recursive: true, filter },
    });
  }
}

/** RUN. What would be installed has been installed in the checkout. */
async function perform(command: string, folder: string): Promise<void> {
  if (!command.includes(' install '))
    return void (await run('sh', ['-c', command], { cwd: folder, env: { PATH } }));
  symlinkSync(join(checkout, 'apps/signaling/node_modules'), join(folder, 'apps/signaling/node_modules'));
}

function wordsOf(instruction: Instruction | undefined): string[] {
  if (instruction instanceof JSONInstruction && instruction.getOpeningBracket())
    return instruction.getJSONStrings().map((word) => word.getJSONValue());
  return instruction?.getArguments().map((word) => word.getValue()) ?? [];
}

function last(keyword: string): Instruction | undefined {
  return instructions.findLast((instruction) => instruction.getKeyword() === keyword);
}

/** As the image's user, where this one may become another; with nothing from this process. */
const stranger = { uid: 1000, gid: 1000 };
const mayChange =
  process.getuid?.() === 0 && spawnSync(process.execPath, ['--version'], stranger).status === 0;
const inContainer = (env: Record<string, string>) => ({
  ...{ cwd: join(images, 'final'), env: { PATH, ...env } },
  ...(mayChange ? stranger : {}),
});

/** HEALTHCHECK, of whatever listens at the port. */
async function checkHealth(port: string): Promise<number> {
  const content = last('HEALTHCHECK')?.getArgumentsContent() ?? '';
  const [program = '', ...options] = JSON.parse(content.slice(content.indexOf('['))) as string[];
  const child = spawn(program, options, { ...inContainer({ PORT: port }), stdio: 'ignore' });
  const [code] = (await once(child, 'exit')) as [number];
  return code;
}

it('installing gets all that the lockfile speaks of for this package', () => {
  const built = join(images, 'build/parley');
  const lockfile = readFileSync(join(built, 'pnpm-lock.yaml'), 'utf8');
  expect(readdirSync(join(built, 'patches')).sort()).toEqual(readdirSync(join(checkout, 'patches')).sort());
  for (const file of ['package.json', 'pnpm-workspace.yaml', 'apps/signaling/package.json'])
    expect(statSync(join(built, file)).isFile()).toBe(true);
  expect(lockfile).toContain('\n  apps/signaling:\n');
  expect(instructions.some((step) => step.getArgumentsContent()?.includes('install --frozen-lockfile'))).toBe(
    true,
  );
});

it('runs the Node that is developed with, not as root, at a port that needs no right', () => {
  const { devDependencies } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as {
    devDependencies: Record<string, string>;
  };
  const tags = dockerfile.getFROMs().map((from) => `${from.getImageName()}:${from.getImageTag()}`);
  const [major] = devDependencies['node']?.split('.') ?? [];
  expect(tags).toEqual([`node:${major}-slim`, `node:${major}-slim`]);
  expect(wordsOf(last('USER'))).toEqual(['node']);
  expect(wordsOf(last('EXPOSE'))).toEqual(['4444']);
});

it('one file and Node are all it takes; it is healthy, and bids farewell when it is told to end', async () => {
  expect(readdirSync(join(images, 'final'), { recursive: true })).toEqual([
    'parley',
    'parley/parley-signaling.mjs',
  ]);
  const [program = '', ...options] = wordsOf(last('ENTRYPOINT'));
  const files = options.map((option) => (option.startsWith('/') ? join(images, 'final', option) : option));
  // Whoever has no key may ask for its health all the same.
  const hub = spawn(program, files, inContainer({ PORT: '0', RELAY_ACCESS_KEYS: 'a-key-of-some-length' }));
  try {
    const [line] = (await once(hub.stdout.setEncoding('utf8'), 'data')) as [string];
    const port = /ws:\/\/localhost:(\d+)/.exec(line)?.[1] ?? '';
    expect(await checkHealth(port)).toBe(0);

    const socket = new WebSocket(`ws://localhost:${port}/signaling?access=a-key-of-some-length`);
    await once(socket, 'open');
    const farewell = once(socket, 'close');
    const ended = once(hub, 'exit');
    hub.kill('SIGTERM');
    expect((await farewell)[0]).toBe(1001);
    expect(await ended).toEqual([0, null]);
  } finally {
    hub.kill('SIGKILL');
  }
}, 60_000);

it('where nothing answers, it is not healthy', async () => {
  // Nobody listens at the first port.
  expect(await checkHealth('1')).toBe(1);
}, 60_000);
