import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Taken, Task } from '../peers/streams.ts';

/** A client that is a process of its own. */
export interface Client {
  ask(task: Task): Promise<Taken>;
  stop(): void;
}

export function startClient(): Client {
  const child = fork(fileURLToPath(new URL('../peers/streams.ts', import.meta.url)));
  const stop = () => child.kill('SIGKILL');
  process.on('exit', stop);
  const ended = once(child, 'exit').then(() => 'ended' as const);
  return {
    stop,
    async ask(task) {
      const answered = once(child, 'message') as Promise<[Taken]>;
      child.send(task);
      const told = await Promise.race([answered, ended]);
      if (told === 'ended') throw new Error('the client has ended');
      return told[0];
    },
  };
}
