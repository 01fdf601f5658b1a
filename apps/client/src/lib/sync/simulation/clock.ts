import { createHash, KeyObject, verify } from 'node:crypto';

interface Happening {
  readonly at: number;
  readonly order: number;
  readonly action: () => void | Promise<void>;
}

/** Virtual time: what is to happen happens in its order, one after the other, and nothing in between takes any time. */
export class VirtualClock {
  /** Milliseconds since 1970. */
  now = Date.UTC(2030, 0, 1);
  #order = 0;
  #happenings: Happening[] = [];

  /** @returns what cancels it */
  after(milliseconds: number, action: () => void | Promise<void>): () => void {
    const happening = { at: this.now + Math.max(0, milliseconds), order: this.#order++, action };
    const index = this.#happenings.findLastIndex(({ at }) => at <= happening.at);
    this.#happenings.splice(index + 1, 0, happening);
    return () => {
      const found = this.#happenings.indexOf(happening);
      if (found !== -1) this.#happenings.splice(found, 1);
    };
  }

  /** Nobody does anything for a while: what is due meanwhile happens at once afterwards. */
  sleep(milliseconds: number): void {
    this.now += milliseconds;
  }

  /** Lets the next thing happen, and waits for it and everything that it sets off; false if there is none before `end`. */
  async step(end: number): Promise<boolean> {
    const [next] = this.#happenings;
    if (!next || next.at > end) {
      this.now = Math.max(this.now, end);
      return false;
    }
    this.#happenings.shift();
    this.now = Math.max(this.now, next.at);
    await next.action();
    await settled();
    return true;
  }
}

let underWay = 0;

/**
 * Cryptography is the one thing here that takes real time, in threads of the engine's. Counting it tells when everything has
 * come to rest, and with that makes the order of things the same every time.
 */
function countCryptography(): void {
  const methods = SubtleCrypto.prototype as unknown as Record<
    string,
    (...values: unknown[]) => Promise<unknown>
  >;
  for (const name of ['encrypt', 'decrypt', 'sign', 'importKey', 'exportKey', 'deriveBits']) {
    const method = methods[name];
    if (!method) continue;
    methods[name] = function (this: SubtleCrypto, ...values: unknown[]) {
      underWay += 1;
      return method.apply(this, values).finally(() => {
        underWay -= 1;
      });
    };
  }
}

countCryptography();

/** The way to those threads and back is what a simulation would mostly wait for: what happens most often is done here and now. */
function stayOnThisThread(): void {
  const { prototype } = SubtleCrypto;
  prototype.digest = (_sha256, data) =>
    Promise.resolve(Uint8Array.from(createHash('sha256').update(viewOf(data)).digest()).buffer);
  prototype.verify = (_ed25519, key, signature, data) =>
    Promise.resolve(verify(null, viewOf(data), KeyObject.from(key), viewOf(signature)));
}

function viewOf(data: BufferSource): Uint8Array {
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}

stayOnThisThread();

/** Lets time stand still until something else that takes real time has come. */
export async function whileTimeStands<Result>(action: () => Promise<Result>): Promise<Result> {
  underWay += 1;
  try {
    return await action();
  } finally {
    underWay -= 1;
  }
}

async function settled(): Promise<void> {
  do await new Promise<void>((resolve) => setImmediate(resolve));
  while (underWay > 0);
}
