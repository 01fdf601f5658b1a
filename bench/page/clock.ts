/** Milliseconds that `action` takes, until what it answers has come. */
export async function timed(action: () => Promise<unknown> | unknown): Promise<number> {
  const [, took] = await measured(action);
  return took;
}

/** What `action` answers, and the milliseconds until it has come. */
export async function measured<Answer>(
  action: () => Promise<Answer> | Answer,
): Promise<[answer: Answer, took: number]> {
  const start = performance.now();
  const answer = await action();
  return [answer, performance.now() - start];
}

/** Resolves once `holds` says so; asked after each call of `look`, which `listen` arranges. */
export function until(holds: () => boolean, listen: (look: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (holds()) resolve();
    };
    listen(look);
    look();
  });
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
