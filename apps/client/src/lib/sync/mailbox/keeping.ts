import type * as Y from 'yjs';
import type { Mailbox } from './engine.ts';
import { isNothing, waitingIn } from '../holdings.ts';
import type { MailboxStorage } from './ports.ts';
import { storeLog, type StoredMailbox } from './stored.ts';

export interface KeepingOptions {
  readonly storage: MailboxStorage<StoredMailbox>;
  readonly doc: Y.Doc;
  readonly mailbox: Mailbox;
  /** Resolves once nothing is on its way to the device any more: true if all that the document holds is committed there. */
  committed(): Promise<boolean>;
  isStopped(): boolean;
}

/** Writes the parts of a session's mailbox to the device, one write after the other. */
export class Keeping {
  readonly #options: KeepingOptions;
  #writing: Promise<void> = Promise.resolve();
  /** What the device did not take. */
  #unkept: Partial<StoredMailbox> = {};
  #isKeepingLog = false;
  #owesLog = false;

  constructor(options: KeepingOptions) {
    this.#options = options;
  }

  /** Resolves once they are kept, or the device has not taken them: then they are written along with the next. */
  keep(parts: Partial<StoredMailbox>): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write(parts));
    return this.#writing;
  }

  /** Keeps the log as it is now, once the document is committed as it is now ([SY6]). */
  keepLog(): void {
    this.#owesLog = true;
    if (this.#isKeepingLog) return;
    this.#isKeepingLog = true;
    void this.#keepLogs().finally(() => {
      this.#isKeepingLog = false;
    });
  }

  /** Resolves once nothing is being written any more. */
  settled(): Promise<void> {
    return this.#writing;
  }

  async #keepLogs(): Promise<void> {
    const { doc, mailbox, committed, isStopped } = this.#options;
    while (this.#owesLog) {
      this.#owesLog = false;
      // Yjs hands nothing on to the device of what still waits for something missing: it has to be read again next time.
      if (isStopped() || !isNothing(waitingIn(doc))) return;
      const { forgotten } = mailbox;
      const log = storeLog(mailbox);
      // If it is not committed, it is the next position's turn: what was read twice does no harm.
      const isCommitted = await committed();
      if (isCommitted && forgotten === mailbox.forgotten && !isStopped()) await this.keep({ log });
    }
  }

  /** Writes them, along with those that the device did not take before: a log without its outbox would tell another story. */
  async #write(parts: Partial<StoredMailbox>): Promise<void> {
    const all = { ...this.#unkept, ...parts };
    try {
      await this.#options.storage.write(all);
      this.#unkept = {};
    } catch {
      // A device that keeps nothing asks the log for everything next time. Sending and receiving go on.
      this.#unkept = all;
    }
  }
}
