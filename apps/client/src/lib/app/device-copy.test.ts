import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as Y from 'yjs';
import { SessionError } from '../session/errors.ts';
import type { DeviceState } from '../sync/device.ts';
import { DeviceCopy } from './device-copy.svelte.ts';

const opening = vi.hoisted(() => {
  // What the compiler makes of runes is not what is put to the test here.
  vi.stubGlobal('$state', <Value>(value: Value) => value);
  return { open: vi.fn() };
});
vi.mock('../sync/device.ts', () => ({ DeviceStore: { open: opening.open } }));

interface Opened {
  readonly tell: (state: DeviceState) => void;
  readonly break: () => void;
  readonly store: ReturnType<typeof makeStore>;
}

/** The stores that were opened. */
const opened: Opened[] = [];
/** What becomes of the next attempts, and then of none. */
let refusals: Error[] = [];
let unreadable = 0;

function makeStore() {
  return {
    state: 'saved' as DeviceState,
    unreadable,
    settled: vi.fn(() => Promise.resolve()),
    discard: vi.fn(),
    readAgain: vi.fn(() => Promise.resolve()),
    close: vi.fn(),
  };
}

beforeEach(() => {
  vi.useFakeTimers();
  opening.open.mockImplementation(
    (_id: string, _doc: Y.Doc, onState: Opened['tell'], _keepsOwn: boolean, onBroken: () => void) => {
      const refusal = refusals.shift();
      if (refusal) return Promise.reject(refusal);
      const store = makeStore();
      const tell = (state: DeviceState) => {
        store.state = state;
        onState(state);
      };
      opened.push({ tell, break: onBroken, store });
      return Promise.resolve(store);
    },
  );
});

afterEach(() => {
  vi.useRealTimers();
  opened.length = 0;
  refusals = [];
  unreadable = 0;
});

function make() {
  const told: DeviceState[] = [];
  const onBroken = vi.fn();
  const copy: DeviceCopy = new DeviceCopy('id', new Y.Doc(), true, () => told.push(copy.state), onBroken);
  return { copy, told, onBroken };
}

function only(): Opened {
  const [one, ...others] = opened;
  if (!one || others.length > 0) throw new Error(`${opened.length} stores instead of one`);
  return one;
}

describe('what a device keeps of an open session', () => {
  it('[DOC3] is opened again and again until it can be, and says why it is not', async () => {
    refusals = [new SessionError('device/full'), new SessionError('device/unavailable')];
    const { copy, told } = make();
    await copy.open();
    expect([copy.trouble, await copy.committed()]).toEqual(['device/full', false]);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(copy.trouble).toBe('device/unavailable');
    await vi.advanceTimersByTimeAsync(5_000);
    expect([copy.trouble, await copy.committed()]).toEqual([null, true]);
    expect(told).toEqual(['device/full', 'device/unavailable', 'saved']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is not opened again for what was not foreseen', async () => {
    refusals = [new TypeError('a mistake')];
    const { copy } = make();
    await expect(copy.open()).rejects.toThrow('a mistake');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('[DOC3] is committed once nothing is on its way any more, if it ended well', async () => {
    const { copy } = make();
    await copy.open();
    const { store, tell } = only();
    for (const end of ['saved', 'device/failed'] as const) {
      tell('saving');
      // Something else was written when the first had ended.
      store.settled.mockImplementationOnce(() => Promise.resolve());
      store.settled.mockImplementationOnce(() => Promise.resolve(tell(end)));
      expect([await copy.committed(), copy.state]).toEqual([end === 'saved', end]);
    }
    expect(copy.trouble).toBe('device/failed');
  });

  it('says that a part of it could not be read', async () => {
    unreadable = 2;
    const { copy } = make();
    expect(copy.isDamaged).toBe(false);
    await copy.open();
    expect(copy.isDamaged).toBe(true);
  });

  it('[SY16] is not given a document that was broken before it could be opened', async () => {
    refusals = [new SessionError('device/unavailable')];
    const { copy } = make();
    await copy.open();
    copy.discard();
    await vi.advanceTimersByTimeAsync(5_000);
    expect([opened, copy.isBroken]).toEqual([[], true]);
  });

  it('[SY16] is left as it is where the document breaks, whether by it or by others', async () => {
    const [{ copy, onBroken }, other] = [make(), make()];
    await copy.open();
    only().break();
    expect([copy.isBroken, onBroken.mock.calls.length]).toEqual([true, 1]);
    opened.length = 0;
    await other.copy.open();
    other.copy.discard();
    expect(only().store.discard).toHaveBeenCalledOnce();
    expect([other.copy.isBroken, other.onBroken.mock.calls.length]).toEqual([true, 0]);
  });

  it('is closed also where it was only being opened, and tried no more', async () => {
    const [{ copy }, other] = [make(), make()];
    const ready = copy.open();
    copy.close();
    await ready;
    expect(only().store.close).toHaveBeenCalledOnce();
    refusals = [new SessionError('device/unavailable'), new SessionError('device/unavailable')];
    await other.copy.open();
    other.copy.close();
    const late = make();
    const lateReady = late.copy.open();
    late.copy.close();
    await lateReady;
    expect(vi.getTimerCount()).toBe(0);
  });
});
