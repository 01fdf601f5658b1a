import { covers, isNothing, NOTHING, subtract, unite, type Holdings } from '../holdings.ts';
import { takePart } from './probe.ts';

/** How somebody is asked, in milliseconds. */
const ASKING = {
  /** Between two probes to one person. */
  every: 1_000,
  /** Through the relay, where a probe or its answer can be lost, the same is asked again no sooner. */
  repeat: 5_000,
  /** So many probes that are not answered yet are remembered of each person. */
  probes: 16,
} as const;

export type Role = 'writer' | 'reader';

/** Somebody else who is present. */
export interface Met {
  readonly role: Role;
  /** How they can be reached. Who can be reached in another way than before is asked anew. */
  readonly way: string;
}

/** What this device knows of who has its changes. */
export interface ReceiptFacts {
  /** Others who are present. */
  readonly people: number;
  /** So many of them have this device's last change, and all before it. */
  readonly having: number;
  /** The ids of those. */
  readonly ids: readonly string[];
}

/** What is asked for, under a number that no other probe of this device has. */
export interface Asked {
  readonly number: number;
  readonly wanted: Holdings;
}

interface Sent {
  readonly wanted: Holdings;
  /** There is more to be asked for than one probe can. */
  readonly isPart: boolean;
}

interface Person extends Met {
  /** What they have not answered for. */
  lacking: Holdings;
  /** What they were asked for last. */
  asked: Holdings;
  askedAt: number;
  /** They could not be reached directly when they were to be asked. */
  isRelayed: boolean;
  /** They are to be asked with the next presence. */
  waits: boolean;
  readonly sent: Map<number, Sent>;
}

/**
 * Whom this device asks for what, and what is known from the answers. Whoever has come is asked for all that was here when the first one
 * came, and what was done here since; whoever has gone is forgotten ([RC1], [RC3]).
 */
export class Asking {
  #target: Holdings | null = null;
  readonly #people = new Map<string, Person>();
  /** How much of what somebody lacks is asked for at once. Looked up with every cursor that moves. */
  readonly #parts = new WeakMap<Holdings, Holdings>();
  #last = 0;

  /**
   * Who is present now, by id.
   *
   * @param held what the device holds; asked for once, when the first one comes
   */
  meet(present: ReadonlyMap<string, Met>, held: () => Holdings): void {
    for (const [id, { role }] of this.#people) {
      if (present.get(id)?.role !== role) this.#people.delete(id);
    }
    for (const [id, { role, way }] of present) {
      const known = this.#people.get(id);
      if (known?.way === way) continue;
      this.#target ??= held();
      const anew = { role, way, asked: NOTHING, isRelayed: false, waits: false };
      if (known) this.#people.set(id, { ...known, ...anew });
      else
        this.#people.set(id, {
          ...anew,
          lacking: isNothing(this.#target) ? NOTHING : this.#target,
          askedAt: -Infinity,
          sent: new Map(),
        });
    }
  }

  /** Something was done on this device: nobody has it yet. */
  changed(added: Holdings): void {
    if (!this.#target || isNothing(added)) return;
    this.#target = unite(this.#target, added);
    // Most lack the same, and are asked with the same probe.
    const grown = new Map<Holdings, Holdings>();
    for (const person of this.#people.values()) {
      const { lacking } = person;
      const more = grown.get(lacking) ?? unite(lacking, added);
      grown.set(lacking, more);
      person.lacking = more;
    }
  }

  /** Others are reached directly than before. A probe that was on its way may be lost: who has not answered is asked anew. */
  reached(): void {
    for (const person of this.#people.values()) {
      person.asked = NOTHING;
      person.waits = false;
    }
  }

  /**
   * Asks whoever is due.
   *
   * @param now milliseconds
   * @param send hands a probe to the person with this id; false if they cannot be reached directly
   * @returns whether somebody waits to be asked through the relay
   */
  ask(now: number, send: (id: string, probe: Asked) => boolean): boolean {
    const made = new Map<Holdings, Asked>();
    for (const [id, person] of this.#people) {
      if (person.waits || !this.#isDue(person) || dueAt(person) > now) continue;
      const probe = made.get(person.lacking) ?? this.#make(person.lacking);
      made.set(person.lacking, probe);
      person.isRelayed = !send(id, probe);
      person.waits = person.isRelayed;
      if (!person.isRelayed) note(person, probe, now);
    }
    return this.isRelayAwaited;
  }

  /** Whether somebody waits to be asked with the next presence. */
  get isRelayAwaited(): boolean {
    return [...this.#people.values()].some(({ waits }) => waits);
  }

  /**
   * The probe to send along with a presence, which reaches everybody: for those who wait for one, or else for who was asked in this way a
   * while ago and has not answered; null if there are none. Of those who lack something else, the one who has waited longest comes first.
   */
  askAlong(now: number): Asked | null {
    const relayed = [...this.#people.values()].filter(
      ({ isRelayed, lacking }) => isRelayed && !isNothing(lacking),
    );
    const [next] = relayed
      .filter(({ waits, askedAt }) => waits || askedAt + ASKING.repeat <= now)
      .sort((a, b) => Number(b.waits) - Number(a.waits) || a.askedAt - b.askedAt);
    if (!next) return null;
    const probe = this.#make(next.lacking);
    const { lacking } = next;
    for (const person of relayed) if (person.lacking === lacking) note(person, probe, now);
    return probe;
  }

  /**
   * When somebody who was asked along with a presence, and has not answered, may be asked again: the probe may be lost, or have come too early. In
   * milliseconds; null where there is nothing to ask for in this way.
   */
  repeatAt(id: string): number | null {
    const person = this.#people.get(id);
    return person?.isRelayed && !isNothing(person.lacking) ? person.askedAt + ASKING.repeat : null;
  }

  /**
   * Somebody says that they have what a probe asked for. What they were not asked for since they came is dropped, and what a viewer says of
   * somebody who writes.
   */
  answered(id: string, role: Role, number: number): void {
    const person = this.#people.get(id);
    const sent = person?.sent.get(number);
    if (!person || !sent || (person.role === 'writer' && role !== 'writer')) return;
    person.sent.delete(number);
    const lacking = subtract(person.lacking, sent.wanted);
    person.lacking = isNothing(lacking) ? NOTHING : lacking;
    if (sent.isPart) person.askedAt = -Infinity;
  }

  /** When somebody is to be asked next, in milliseconds; null: nobody. */
  get nextAt(): number | null {
    const times = [...this.#people.values()]
      .filter((person) => !person.waits && this.#isDue(person))
      .map((person) => dueAt(person));
    return times.length > 0 ? Math.min(...times) : null;
  }

  get facts(): ReceiptFacts {
    const having = [...this.#people].filter(([, { lacking }]) => isNothing(lacking));
    const ids = having.map(([id]) => id).sort();
    return { people: this.#people.size, having: ids.length, ids };
  }

  #make(lacking: Holdings): Asked {
    this.#last += 1;
    return { number: this.#last, wanted: this.#part(lacking) };
  }

  #part(lacking: Holdings): Holdings {
    const part = this.#parts.get(lacking) ?? takePart(lacking);
    this.#parts.set(lacking, part);
    return part;
  }

  /** Whether they would be asked for something that they were not asked for last. */
  #isDue({ lacking, asked }: Person): boolean {
    const part = this.#part(lacking);
    return part !== asked && !covers(asked, part);
  }
}

function dueAt({ askedAt }: Person): number {
  return askedAt + ASKING.every;
}

function note(person: Person, { number, wanted }: Asked, now: number): void {
  person.asked = wanted;
  person.askedAt = now;
  person.waits = false;
  person.sent.set(number, { wanted, isPart: wanted !== person.lacking });
  const [oldest] = person.sent.keys();
  if (person.sent.size > ASKING.probes && oldest !== undefined) person.sent.delete(oldest);
}
