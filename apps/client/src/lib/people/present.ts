import { parsePerson, type Person } from '../session/person.ts';

/** A person who is present, in any number of tabs. */
export interface Present extends Person {
  /** This device's own person. */
  readonly self: boolean;
  /** The page they look at, or null when it is not known. */
  readonly page: string | null;
  /** They have the view link only, as they say or as the key that signed it tells. */
  readonly viewing: boolean;
  /** By which name the mesh knows their device; null where it is in none. */
  readonly peer: string | null;
}

/** Reads who is present out of awareness states, which peers may have filled with anything. */
export function listPresent(states: ReadonlyMap<number, unknown>, ownClient: number): Present[] {
  const own = parsePerson(stateField(states.get(ownClient), 'user'));
  const people = new Map<string, Present>();
  /** Those of whom somebody who writes has told. */
  const writers = new Set<string>();
  // Of several tabs of one person the newest client wins; any rule does, if it is the same on every device.
  for (const [client, state] of [...states].sort(([a], [b]) => a - b)) {
    const person = parsePerson(stateField(state, 'user'));
    if (!person) continue;
    const page = stateField(state, 'page');
    const self = person.id === own?.id;
    if (self && client !== ownClient) continue;
    const isMarked = stateField(state, 'viewer') === true;
    // A viewer may call itself by anybody's id, and takes nobody's place.
    if (isMarked && writers.has(person.id)) continue;
    if (!isMarked) writers.add(person.id);
    const viewing = isMarked || stateField(state, 'viewing') === true;
    people.set(person.id, {
      ...person,
      self,
      viewing,
      page: textOrNull(page),
      peer: textOrNull(stateField(state, 'peer')),
    });
  }
  return [...people.values()].sort(
    (a, b) => Number(b.self) - Number(a.self) || a.name.localeCompare(b.name) || (a.id < b.id ? -1 : 1),
  );
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function stateField(state: unknown, field: string): unknown {
  return typeof state === 'object' && state !== null ? (state as Record<string, unknown>)[field] : undefined;
}
