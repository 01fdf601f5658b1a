/** What changed about whom somebody reaches. */
export interface ReachNews {
  readonly gained: readonly string[];
  readonly lost: readonly string[];
}

/** Who is given what now, because nobody else may have given it to them; `anew`: too much was kept, they have to sync anew. */
export type CatchUp = ReadonlyMap<string, readonly Uint8Array[] | 'anew'>;

/**
 * The relay, as a neighbour that tells nothing: what came from it is not passed on to those who say that they reach it, too. No peer has this
 * name; theirs are UUIDs.
 */
export const RELAY = 'relay';

/** So many are remembered of whom one neighbour says to reach: more than a mesh has. */
const MOST_REACHED = 1_000;

/** So much of what came from a neighbour and was not passed on to all is kept, and so long: in bytes and milliseconds. */
const KEPT = { bytes: 4_000_000, time: 90_000 } as const;

interface Neighbour {
  /** It tells whom it reaches, and wants to know it; stock clients do not. */
  readonly tells: boolean;
  /** Whom it has said to reach. */
  readonly reaches: Set<string>;
  /** Whom it was told that this one reaches. */
  readonly told: Set<string>;
  /** What came from it a short while ago, and was not passed on to those whom it reaches. */
  kept: { readonly at: number; readonly update: Uint8Array }[];
  /** Until when more of it is missing than is kept. */
  overflowUntil: number;
}

/**
 * To whom a peer passes on what came from a neighbour: to all others but those of whom both sides have said that they reach each other.
 * Where everybody reaches everybody nothing is passed on; where two do not, whoever reaches both stands between them.
 *
 * All of a connected graph get everything: of those who reach somebody, the first to receive something had it from one whom that somebody
 * does not reach, and so passes it on. When two turn out not to reach each other any more, or one of them is gone, what was not passed on
 * for a while is passed on after all: both notice a lost connection within {@link KEPT} `time`.
 */
export class PassingOn {
  readonly #neighbours = new Map<string, Neighbour>();

  /** A connection has opened. @param tells false for a stock client, and the relay */
  connect(peer: string, tells: boolean): void {
    this.#neighbours.set(peer, { tells, reaches: new Set(), told: new Set(), kept: [], overflowUntil: 0 });
  }

  /** A connection has ended. */
  disconnect(peer: string, now: number): CatchUp {
    const lost = this.#neighbours.get(peer);
    const others = [...this.#neighbours.keys()].filter((name) => this.#reachEachOther(name, peer));
    this.#neighbours.delete(peer);
    const catchUps = new Map<string, readonly Uint8Array[] | 'anew'>();
    for (const name of others) if (lost) this.#catchUp(catchUps, name, lost, now);
    return catchUps;
  }

  /** A neighbour has told whom it reaches. */
  learn(peer: string, { gained, lost }: ReachNews, now: number): CatchUp {
    const teller = this.#neighbours.get(peer);
    const catchUps = new Map<string, readonly Uint8Array[] | 'anew'>();
    for (const name of gained) {
      if (teller && name !== peer && teller.reaches.size < MOST_REACHED) teller.reaches.add(name);
    }
    for (const name of lost) {
      const other = this.#neighbours.get(name);
      const didReach = this.#reachEachOther(peer, name);
      teller?.reaches.delete(name);
      if (!teller || !other || !didReach) continue;
      this.#catchUp(catchUps, peer, other, now);
      if (name !== RELAY) this.#catchUp(catchUps, name, teller, now);
    }
    return catchUps;
  }

  /** What has not been told yet, and to whom. It counts as told. */
  takeNews(): Map<string, ReachNews> {
    const news = new Map<string, ReachNews>();
    for (const [peer, { tells, told }] of this.#neighbours) {
      if (!tells) continue;
      const gained = [...this.#neighbours.keys()].filter((name) => name !== peer && !told.has(name));
      const lost = [...told].filter((name) => !this.#neighbours.has(name));
      for (const name of gained) told.add(name);
      for (const name of lost) told.delete(name);
      if (gained.length + lost.length > 0) news.set(peer, { gained, lost });
    }
    return news;
  }

  /** Who is given what came from `source`: a neighbour, the relay, or null for this device and all other ways. */
  recipients(source: string | null): string[] {
    const others = this.#others(source);
    return source === null ? others : others.filter((name) => !this.#reachEachOther(name, source));
  }

  /** Keeps an update that came from a neighbour, if it is not passed on to everybody. */
  keep(source: string, update: Uint8Array, now: number): void {
    const from = this.#neighbours.get(source);
    if (!from || this.recipients(source).length === this.#others(source).length) return;
    from.kept = from.kept.filter(({ at }) => at > now - KEPT.time);
    from.kept.push({ at: now, update });
    if (from.kept.reduce((bytes, { update: { length } }) => bytes + length, 0) <= KEPT.bytes) return;
    from.kept = [];
    from.overflowUntil = now + KEPT.time;
  }

  /** Who can be given something. */
  #others(source: string | null): string[] {
    return [...this.#neighbours.keys()].filter((name) => name !== source && name !== RELAY);
  }

  #reachEachOther(a: string, b: string): boolean {
    const says = (from: string, to: string) =>
      this.#neighbours.has(from) && (from === RELAY || this.#neighbours.get(from)?.reaches.has(to) === true);
    return says(a, b) && says(b, a);
  }

  #catchUp(
    catchUps: Map<string, readonly Uint8Array[] | 'anew'>,
    peer: string,
    { kept, overflowUntil }: Neighbour,
    now: number,
  ): void {
    const known = catchUps.get(peer) ?? [];
    const updates = kept.filter(({ at }) => at > now - KEPT.time).map(({ update }) => update);
    if (known === 'anew' || overflowUntil > now) catchUps.set(peer, 'anew');
    else if (known.length + updates.length > 0) catchUps.set(peer, [...known, ...updates]);
  }
}
