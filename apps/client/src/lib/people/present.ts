import { parsePerson, type Person } from '../session/person.ts';

/** A person who is present, in any number of tabs. */
export interface Present extends Person {
  /** This device's own person. */
  readonly self: boolean;
  /** The page they look at, or null when it is not known. */
  readonly page: string | null;
  /** They say that they have the view link only. */
  readonly viewing: boolean;
}

/** Reads who is present out of awareness states, which peers may have filled with anything. */
export function listPresent(states: ReadonlyMap<number, unknown>, ownClient: number): Present[] {
  const own = parsePerson(stateField(states.get(ownClient), 'user'));
  const people = new Map<string, Present>();
  // Of several tabs of one person the newest client wins; any rule does, if it is the same on every device.
  for (const [client, state] of [...states].sort(([a], [b]) => a - b)) {
    const person = parsePerson(stateField(state, 'user'));
    if (!person) continue;
    const page = stateField(state, 'page');
    const self = person.id === own?.id;
    if (self && client !== ownClient) continue;
    const viewing = stateField(state, 'viewing') === true;
    people.set(person.id, { ...person, self, viewing, page: typeof page === 'string' ? page : null });
  }
  return [...people.values()].sort(
    (a, b) => Number(b.self) - Number(a.self) || a.name.localeCompare(b.name) || (a.id < b.id ? -1 : 1),
  );
}

function stateField(state: unknown, field: string): unknown {
  return typeof state === 'object' && state !== null ? (state as Record<string, unknown>)[field] : undefined;
}
