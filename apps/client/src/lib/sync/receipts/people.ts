import { parsePerson } from '../../session/person.ts';
import type { Role } from './asking.ts';

/** Somebody else who is present, in any number of tabs. */
export interface OtherPerson {
  /** `reader`: all that is known of them came signed with the key of the view link. */
  readonly role: Role;
  /** By which names the mesh knows their devices, sorted. */
  readonly peers: readonly string[];
}

/** Reads out of awareness states, which may be filled with anything, who else is present: by person id. */
export function listOthers(
  states: ReadonlyMap<number, Record<string, unknown>>,
  ownId: string,
): Map<string, OtherPerson> {
  const others = new Map<string, OtherPerson>();
  for (const state of states.values()) {
    const id = personOf(state);
    if (id === null || id === ownId) continue;
    const known = others.get(id);
    // A viewer may claim to be anybody: of somebody who also writes, what writers say counts alone.
    if (state['viewer'] === true) {
      if (!known) others.set(id, { role: 'reader', peers: [] });
      continue;
    }
    const { peer } = state;
    const peers = new Set(known?.peers);
    if (typeof peer === 'string') peers.add(peer);
    others.set(id, { role: 'writer', peers: [...peers].sort() });
  }
  return others;
}

/** The id of the person whose awareness state this is; null if it names none. */
export function personOf(state: Record<string, unknown> | null | undefined): string | null {
  return parsePerson(state?.['user'])?.id ?? null;
}
