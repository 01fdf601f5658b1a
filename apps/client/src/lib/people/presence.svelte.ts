import { createSubscriber } from 'svelte/reactivity';
import type { Awareness } from 'y-protocols/awareness';
import { listPresent, type Present } from './present.ts';

/** Who is in a session right now: a reactive view of its awareness. */
export class Presence {
  readonly #awareness: Awareness;
  readonly #subscribe: () => void;

  constructor(awareness: Awareness) {
    this.#awareness = awareness;
    this.#subscribe = createSubscriber((update) => {
      // A cursor that moves changes the awareness as well, with every key: only who and where counts here.
      let known = JSON.stringify(this.#read());
      const compare = () => {
        const now = JSON.stringify(this.#read());
        if (now !== known) {
          known = now;
          update();
        }
      };
      awareness.on('change', compare);
      return () => awareness.off('change', compare);
    });
  }

  /** One entry a person, oneself first, the others by name. */
  get people(): Present[] {
    this.#subscribe();
    return this.#read();
  }

  /** The others, by name. */
  get others(): Present[] {
    return this.people.filter((person) => !person.self);
  }

  #read(): Present[] {
    return listPresent(this.#awareness.getStates(), this.#awareness.clientID);
  }
}
