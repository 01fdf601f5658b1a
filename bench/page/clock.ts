/** Milliseconds that `action` takes, until what it answers has come. */
export async function timed(action: () => Promise<unknown> | unknown): Promise<number> {
  const start = performance.now();
  await action();
  return performance.now() - start;
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
