import type { AppendAnswer, Log, MailboxFrame, SnapshotAnswer } from '@parley/signaling/mailbox';
import type { ProblemCode } from '@parley/signaling/problems';

/** Why a request to the mailbox came to nothing: the relay's own code, or what its adapter found. */
export type RefusalCode =
  | ProblemCode
  /** No answer: no network, no relay, or a time-out. The relay may have done what was asked all the same. */
  | 'relay/unreachable'
  /** An answer that is none: a captive portal, another server, or a relay that lies. */
  | 'relay/nonsense';

/** A request that came to nothing. */
export class MailboxRefusal extends Error {
  override readonly name = 'MailboxRefusal';
  readonly code: RefusalCode;
  /** How long the relay asks to wait, in milliseconds. */
  readonly retryAfter: number | null;

  constructor(code: RefusalCode, retryAfter: number | null = null, options?: ErrorOptions) {
    super(code, options);
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/** The mailbox's HTTP routes. Every method rejects with a {@link MailboxRefusal}, and with nothing else. */
export interface MailboxTransport {
  /** `GET log`. Where `epoch` is not that of the log, the answer begins at its beginning. */
  pull(after: number, epoch: string | null): Promise<Log>;
  /** `POST log`. Sealed bytes: an attempt that is repeated sends the same ones. */
  append(envelopes: readonly Uint8Array<ArrayBuffer>[]): Promise<AppendAnswer>;
  /** Does ahead what a request takes time for: the next one may have to go out in the moment in which it is made. */
  prepare?(): void;
  /** `PUT snapshot`. */
  putSnapshot(envelope: Uint8Array<ArrayBuffer>): Promise<SnapshotAnswer>;
  /** Ends what is under way: it is refused as `relay/unreachable`. The relay may have done it all the same. */
  giveUp(): void;
}

/** The mailbox's topic on the hub. */
export interface MailboxChannel {
  /** Passes one sealed envelope to whoever listens now. It is lost where nobody does, or the channel is down. */
  send(envelope: Uint8Array<ArrayBuffer>): void;
  /** Ends it for good. */
  close(): void;
}

/** What a channel tells. */
export interface ChannelListener {
  /** It is subscribed, for the first time or again: what was published in between is lost. */
  up(): void;
  /** It is not subscribed any more, or another attempt has failed. It comes up again by itself. */
  down(): void;
  frame(frame: MailboxFrame): void;
}

/** What a device keeps of a session's mailbox, beside the document: named parts, each kept as a structured clone. */
export interface MailboxStorage<Parts extends object> {
  /** All parts that were kept; none when there is nothing. Rejects where the device keeps nothing. */
  read(): Promise<Partial<Parts>>;
  /** Replaces the given parts in one transaction, and resolves once that is committed. */
  write(parts: Partial<Parts>): Promise<void>;
}

/** What the person may have to know of the mailbox; the sentences are in the catalogue of session errors. */
export type MailboxTrouble =
  /** The session has reached what the relay keeps of one. */
  | 'relay/quota-exceeded'
  /** The relay has taken what it takes in a day, or a minute. */
  | 'relay/budget-spent'
  /** The relay tells two stories about the log. */
  | 'relay/forked'
  /** The relay has lost or hides what it had acknowledged. */
  | 'relay/rolled-back'
  /** Somebody with the edit link deleted the session from the relay. */
  | 'relay/deleted'
  /** The relay takes access keys, and not the one of this device, if it has one. */
  | 'relay/private'
  /** A change from the mailbox cannot be applied on this device, and is left out. */
  | 'relay/quarantined'
  /** The relay does not accept this device's requests: its clock is wrong, or one of the two is too old for the other. */
  | 'relay/refused';

/** What is known about the mailbox. Nothing here is guessed ([SY19]). */
export interface MailboxStatus {
  /**
   * `starting`: not asked yet. `behind`: it has more than this device has applied. `current`: this device has all that
   * the relay has told of. `unknown`: the relay does not know the session, or not this key. `unreachable`: the last request came to nothing.
   */
  readonly state: 'starting' | 'behind' | 'current' | 'unknown' | 'unreachable';
  /** The relay has acknowledged all that this device holds, whoever made it; of a viewer's device, which hands nothing on, it is always said. */
  readonly onRelay: boolean;
  /** Something that has arrived here builds on something that has not: it cannot be shown yet. */
  readonly incomplete: boolean;
  /** Since when requests come to nothing, in milliseconds since 1970; null when the last one was answered. */
  readonly unreachableSince: number | null;
  readonly trouble: MailboxTrouble | null;
  /** Envelopes that are left out because applying them failed. */
  readonly quarantined: number;
  /** Envelopes that were not what they claimed, and were dropped, since the session was opened. */
  readonly dropped: number;
}

/** What is known before the mailbox was asked. */
export const NOT_ASKED: MailboxStatus = {
  state: 'starting',
  onRelay: false,
  incomplete: false,
  unreachableSince: null,
  trouble: null,
  quarantined: 0,
  dropped: 0,
};
