import { beforeEach, describe, expect, it, vi } from 'vitest';

const device = vi.hoisted(() => {
  // Outside of the build a rune is what it holds.
  vi.stubGlobal('$state', { raw: <Value>(value: Value) => value });
  return {
    /** What the browser keeps, by the setting's name. */
    kept: new Map<string, unknown>(),
    isFull: false,
    /** Those who listen to a channel, each with its tab's number. */
    listeners: [] as { name: string; tab: number; receive: (message: unknown) => void }[],
    tabs: 0,
  };
});

vi.mock('./database.ts', () => ({
  readSetting: (name: string) => Promise.resolve(device.kept.get(name)),
  writeSetting: (name: string, value: unknown) => {
    if (device.isFull) return Promise.reject(new DOMException('no room', 'QuotaExceededError'));
    device.kept.set(name, value);
    return Promise.resolve();
  },
}));
vi.mock('./tab-channel.ts', () => ({
  openTabChannel: (name: string, receive: (message: unknown) => void) => {
    const tab = device.tabs;
    device.listeners.push({ name, tab, receive });
    return (message: unknown) => {
      for (const other of device.listeners)
        if (other.name === name && other.tab !== tab) other.receive(message);
    };
  },
}));

const KEY = 'a-key-of-some-people';

/** Another tab of the same browser, which has read what is kept. */
async function openTab() {
  device.tabs += 1;
  vi.resetModules();
  const { thisDevice } = await import('./this-device.svelte.ts');
  await thisDevice.load();
  return thisDevice;
}

beforeEach(() => {
  device.kept.clear();
  device.listeners.length = 0;
  device.isFull = false;
});

describe('the access key of this device', () => {
  it('[SY25] is the same in all tabs, also in those that are opened later', async () => {
    const [one, other] = [await openTab(), await openTab()];
    expect(one.accessKey).toBeNull();
    expect(await one.useAccessKey(KEY)).toBe(true);
    expect([one.accessKey, other.accessKey, (await openTab()).accessKey]).toEqual([KEY, KEY, KEY]);
  });

  it('[SY27] that is forgotten is so in all tabs, and nothing of it is kept', async () => {
    const [one, other] = [await openTab(), await openTab()];
    await one.useAccessKey(KEY);
    expect(await other.useAccessKey(null)).toBe(true);
    expect([one.accessKey, other.accessKey, (await openTab()).accessKey]).toEqual([null, null, null]);
    expect([...device.kept.values()]).not.toContain(KEY);
  });

  it('[SY27] that cannot be deleted is used in no tab any more, and that is said', async () => {
    const [one, other] = [await openTab(), await openTab()];
    await one.useAccessKey(KEY);
    device.isFull = true;
    expect(await one.useAccessKey(null)).toBe(false);
    expect([one.accessKey, other.accessKey]).toEqual([null, null]);
  });

  it.each([['a.key.with.dots.in.it'], [''], [undefined], [42], [{}]])(
    '[SY25] is none of %j, which another version has kept or told',
    async (nonsense) => {
      device.kept.set('accessKey', nonsense);
      const one = await openTab();
      expect(one.accessKey).toBeNull();
      await one.useAccessKey(KEY);
      for (const { name, receive } of device.listeners) if (name === 'parley/access-key') receive(nonsense);
      expect(one.accessKey).toBe(KEY);
    },
  );
});
