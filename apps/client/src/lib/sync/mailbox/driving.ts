import type { Surroundings } from '../surroundings.ts';
import { advanceMailbox, type Mailbox, type MailboxEffect, type MailboxEvent } from './engine.ts';
import { MailboxRefusal, type MailboxStatus } from './ports.ts';

/** What takes its time. */
export type Deed = Exclude<MailboxEffect, { type: 'wake' | 'status' | 'give-up' }>;

export interface DrivingOptions {
  readonly mailbox: Mailbox;
  readonly surroundings: Pick<Surroundings, 'now' | 'random' | 'after'>;
  /** Does it, and answers with what came of it, if that is known at once. */
  perform(deed: Deed): Promise<MailboxEvent | null>;
  /** The last question is not waited for any more. */
  giveUp(): void;
  onStatus(status: MailboxStatus): void;
  /** The log is known otherwise than before. */
  onLog(): void;
}

/**
 * Tells the engine what happens, and has done what it wants: what it says of the state at once, because that is out of date by the
 * time that the device has written something, and the rest one thing after the other.
 */
export class Driving {
  readonly #options: DrivingOptions;
  #queue: Promise<void> = Promise.resolve();
  #isStopped = false;
  #cancelWake: (() => void) | null = null;

  constructor(options: DrivingOptions) {
    this.#options = options;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Tells the engine, at once; what it wants done is done when its turn comes. */
  happen(event: MailboxEvent): void {
    if (this.#isStopped) return;
    const deeds = this.#advance(event);
    if (deeds.length > 0) this.enqueue(() => this.#performAll(deeds));
  }

  /** Tells the engine, and does what it wants before anything else is done. To be called by what is enqueued. */
  async handle(event: MailboxEvent): Promise<void> {
    if (!this.#isStopped) await this.#performAll(this.#advance(event));
  }

  /** Does it when its turn comes. A mistake in it keeps nothing behind it from being done. */
  enqueue(task: () => Promise<void>): void {
    this.#queue = this.#queue.then(() => (this.#isStopped ? undefined : task())).catch(reportMistake);
  }

  /** Goes on with the answer to a question, or tells the engine why there is none, when its turn comes. */
  request<Answer>(question: Promise<Answer>, then: (answer: Answer) => Promise<void>): void {
    question.then(
      (answer) =>
        this.enqueue(() =>
          then(answer).catch((error: unknown) => {
            reportMistake(error);
            return this.handle(FAILED);
          }),
        ),
      (error: unknown) => {
        const refusal = error instanceof MailboxRefusal ? error : new MailboxRefusal('relay/nonsense');
        const { code, retryAfter } = refusal;
        this.enqueue(() => this.handle({ type: 'refused', code, retryAfter }));
      },
    );
  }

  /** Tells and does nothing any more. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelWake?.();
  }

  /** Resolves once what is being done has ended. */
  settled(): Promise<void> {
    return this.#queue;
  }

  #advance(event: MailboxEvent): Deed[] {
    const { mailbox, surroundings, onStatus, onLog, giveUp } = this.#options;
    const before = mailbox.log;
    const effects = advanceMailbox(mailbox, event, {
      now: surroundings.now(),
      random: () => surroundings.random(),
    });
    if (mailbox.log !== before) onLog();
    const deeds: Deed[] = [];
    for (const effect of effects) {
      if (effect.type === 'wake') this.#wakeAt(effect.at);
      else if (effect.type === 'status') onStatus(effect.status);
      else if (effect.type === 'give-up') giveUp();
      else deeds.push(effect);
    }
    return deeds;
  }

  async #performAll(deeds: readonly Deed[]): Promise<void> {
    const due = [...deeds];
    for (let deed = due.shift(); deed && !this.#isStopped; deed = due.shift()) {
      const event = await this.#attempt(deed);
      if (event && !this.#isStopped) due.push(...this.#advance(event));
    }
  }

  /** Does it. Where this code makes a mistake, the engine hears of an attempt that came to nothing, and waits for no answer. */
  async #attempt(deed: Deed): Promise<MailboxEvent | null> {
    try {
      return await this.#options.perform(deed);
    } catch (error) {
      reportMistake(error);
      if (deed.type === 'seal') return { type: 'sealed', entry: null, isTooLarge: false };
      if (deed.type === 'compact') return { type: 'weighed', bytes: Infinity };
      return deed.type === 'apply' ? FAILED : null;
    }
  }

  #wakeAt(at: number | null): void {
    const { mailbox, surroundings } = this.#options;
    this.#cancelWake?.();
    this.#cancelWake =
      at === null
        ? null
        : surroundings.after(Math.max(0, at - surroundings.now()), () => {
            mailbox.wake = null;
            this.happen({ type: 'woke' });
          });
  }
}

/** What the engine hears of an answer that this code could not deal with. */
const FAILED = { type: 'refused', code: 'relay/nonsense', retryAfter: null } as const;

/** A mistake of this code's: to be seen as one, and no reason to stop. */
function reportMistake(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
