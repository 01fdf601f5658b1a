/** What the browser gives Parley on this device, in bytes. */
export interface StorageRoom {
  readonly used: number;
  /** In all, as the browser estimates it. */
  readonly quota: number;
  /** It has promised not to delete it by itself. */
  readonly persisted: boolean;
}

/** Below this there may be no room for what comes next: so much is left, in bytes, or such a part of the whole. */
const LITTLE = { bytes: 20_000_000, part: 0.05 } as const;

/** Asks the browser how much room there is; null where it does not tell. */
export async function askForRoom(storage: StorageManager | undefined): Promise<StorageRoom | null> {
  try {
    const estimate = await storage?.estimate();
    const { usage, quota } = estimate ?? {};
    if (usage === undefined || !quota) return null;
    return { used: usage, quota, persisted: (await storage?.persisted()) ?? false };
  } catch {
    // Where site data is blocked. The session says that nothing is kept.
    return null;
  }
}

/** Whether the storage is about to be full: less is left than 20 MB, or than a twentieth of it where that is less. */
export function isNearlyFull({ used, quota }: StorageRoom): boolean {
  return quota - used < Math.min(LITTLE.bytes, quota * LITTLE.part);
}
