import { encodeBase64url } from '@parley/signaling/base64url';
import type { RandomBytes } from './keys.ts';

/** How many colours a person can have: 12 evenly spaced hues (--person-0 … --person-11). */
export const HUES = 12;

/** Longest name of a person, in UTF-16 code units. */
export const NAME_LIMIT = 60;

/** A person as one device knows itself. Two tabs of one device are one person. */
export interface Person {
  /** Random, for ever the same on one device. */
  readonly id: string;
  readonly name: string;
  /** 0 … 11. */
  readonly hue: number;
  /** The person chose the colour, and keeps it whoever else has it. */
  readonly hueChosen?: boolean;
}

/** A new person with a friendly name that can be kept or changed. */
export function inventPerson(random: RandomBytes): Person {
  const [manner = 0, animal = 0, hue = 0] = random(3);
  return {
    id: encodeBase64url(random(9)),
    name: `${manners[manner % manners.length]} ${animals[animal % animals.length]}`,
    hue: hue % HUES,
  };
}

/** A name as it is kept: one line, without space around it, not too long; '' if nothing is left. */
export function cleanName(name: string): string {
  return name
    .slice(0, 4 * NAME_LIMIT)
    .replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ')
    .trim()
    .slice(0, NAME_LIMIT)
    .toWellFormed();
}

/**
 * The person in what a peer says about itself, or null if it says nothing usable. A peer may say anything: names are
 * cleaned, an unknown colour is the first.
 */
export function parsePerson(value: unknown): Person | null {
  if (typeof value !== 'object' || value === null) return null;
  const { id, name, hue, hueChosen } = value as Record<string, unknown>;
  if (typeof id !== 'string' || !/^[\w-]{1,40}$/.test(id)) return null;
  return {
    id,
    name: (typeof name === 'string' && cleanName(name)) || 'Somebody',
    hue: typeof hue === 'number' && Number.isInteger(hue) && hue >= 0 && hue < HUES ? hue : 0,
    ...(hueChosen === true ? { hueChosen } : {}),
  };
}

/**
 * The colour with which `own` can be told from `others`: its own, unless somebody has the same. Then one of the two moves, to the hue farthest from
 * all that are taken: who has not chosen it, and if that is both or none, who has the greater id. Nobody who has chosen moves.
 */
export function settleHue(own: Person, others: readonly Person[]): number {
  const yields = (other: Person) => !other.hueChosen && own.id < other.id;
  const clash = others.some((other) => other.hue === own.hue && other.id !== own.id && !yields(other));
  if (!clash || own.hueChosen) return own.hue;
  const distance = (hue: number) =>
    Math.min(
      ...others.map((other) => Math.min((hue - other.hue + HUES) % HUES, (other.hue - hue + HUES) % HUES)),
    );
  const hues = Array.from({ length: HUES }, (_, step) => (own.hue + step) % HUES);
  return hues.reduce((best, hue) => (distance(hue) > distance(best) ? hue : best));
}

/** The one or two letters in a person's avatar. */
export function initials(name: string): string {
  const words = name.split(' ').filter(Boolean);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  return letters.map((word) => [...(word ?? '')][0]?.toUpperCase() ?? '').join('');
}

// prettier-ignore
const manners = [
  'Amber', 'Brave', 'Bright', 'Calm', 'Candid', 'Careful', 'Cheerful', 'Clever', 'Curious', 'Eager', 'Earnest',
  'Fair', 'Gentle', 'Honest', 'Jolly', 'Keen', 'Kind', 'Lively', 'Lucky', 'Merry', 'Mild', 'Nimble', 'Patient',
  'Polite', 'Quick', 'Quiet', 'Ready', 'Steady', 'Sunny', 'Swift', 'Thoughtful', 'Wise',
];

// prettier-ignore
const animals = [
  'Badger', 'Beaver', 'Bison', 'Crane', 'Curlew', 'Deer', 'Dolphin', 'Falcon', 'Finch', 'Fox', 'Gecko', 'Hare',
  'Hedgehog', 'Heron', 'Ibex', 'Jay', 'Kestrel', 'Koala', 'Lark', 'Lynx', 'Marten', 'Newt', 'Otter', 'Owl', 'Panda',
  'Pelican', 'Plover', 'Puffin', 'Robin', 'Seal', 'Stork', 'Swan', 'Tern', 'Toucan', 'Turtle', 'Weasel', 'Whale',
  'Wren',
];
