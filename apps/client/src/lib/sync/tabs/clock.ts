/** How many changes of each tab, by its id, a document holds. Of a tab that is not in it, none. */
export type TabClock = Readonly<Record<string, number>>;

/** Whether who has `held` has all of `wanted`. */
export function coversClock(held: TabClock, wanted: TabClock): boolean {
  return Object.entries(wanted).every(([tab, count]) => (held[tab] ?? 0) >= count);
}

/** What both have together. */
export function joinClocks(one: TabClock, other: TabClock): TabClock {
  const joined: Record<string, number> = { ...one };
  for (const [tab, count] of Object.entries(other)) joined[tab] = Math.max(joined[tab] ?? 0, count);
  return joined;
}
