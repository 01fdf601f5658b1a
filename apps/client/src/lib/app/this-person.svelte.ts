import { cleanName, inventPerson, parsePerson, type Person } from '../session/person.ts';
import { secureRandom } from '../session/keys.ts';
import { readSetting, writeSetting } from './database.ts';
import { openTabChannel } from './tab-channel.ts';

/** Who uses this device: invented at the first visit, kept, and the same in all tabs. */
class ThisPerson {
  #current = $state.raw<Person>(inventPerson(secureRandom));
  #loading: Promise<void> | undefined;
  #tell: (message: unknown) => void = () => undefined;

  get current(): Person {
    return this.#current;
  }

  /** Reads who this is, or keeps who has just been invented. Where the browser keeps nothing, it is for this tab. */
  load(): Promise<void> {
    this.#loading ??= this.#load();
    return this.#loading;
  }

  /** Takes another name or colour. An empty name changes nothing. */
  async change(change: { name?: string; hue?: number; hueChosen?: true }): Promise<void> {
    const name = cleanName(change.name ?? this.#current.name) || this.#current.name;
    this.#current = { ...this.#current, ...change, name };
    await this.#keep();
  }

  async #load(): Promise<void> {
    this.#tell = openTabChannel('parley/person', (message) => {
      this.#current = parsePerson(message) ?? this.#current;
    });
    const known = parsePerson(await readSetting('person').catch(() => undefined));
    if (known) this.#current = known;
    else await this.#keep();
  }

  async #keep(): Promise<void> {
    const person = this.#current;
    this.#tell(person);
    // A name that is not kept is not worth a word: where nothing is kept, the session itself says so.
    await writeSetting('person', person).catch(() => undefined);
  }
}

export const thisPerson = new ThisPerson();
