import type { TabClock } from './clock.ts';

/** With which key a tab opened the session. Tabs with different keys share the document, not the connections. */
export type TabKind = 'edit' | 'view';

/** A tab that has the session open. */
export interface OpenTab {
  /** Random for every time that the session is opened. */
  readonly tab: string;
  readonly kind: TabKind;
  /** Its client id in the awareness, and under which name its presence goes through the relay. */
  readonly client: number;
  readonly sender: string;
}

/** What a tab says to all others that have the session open. */
export interface TabMessage {
  readonly version: 1;
  readonly from: OpenTab;
  /** What the tab's document holds, of changes that were told; in `sync` and `told`, of all. */
  readonly clock: TabClock;
  readonly leads: boolean;
  readonly body: TabBody;
}

export type TabBody =
  /** The tab is here, has come back, lacks something, or leads from now on. */
  | { readonly type: 'hello'; readonly vector: Uint8Array }
  /**
   * What a document with `base` lacks of the sender's, and what other tabs the sender knows of. `vector`: the sender wants the same in
   * return from `to`.
   */
  | {
      readonly type: 'sync';
      readonly to: string;
      readonly base: TabClock;
      readonly update: Uint8Array;
      readonly vector: Uint8Array | null;
      readonly tabs: readonly OpenTab[];
    }
  /** The sender's changes behind number `after`, up to and with number `upTo`. */
  | {
      readonly type: 'change';
      readonly after: number;
      readonly upTo: number;
      readonly updates: readonly Uint8Array[];
      readonly own: boolean;
      readonly committed: boolean;
    }
  /** `lost`: clients that are no longer heard here, and may be elsewhere. `to`: for that tab, in `update` is everybody who is there. */
  | {
      readonly type: 'awareness';
      readonly update: Uint8Array;
      readonly lost: readonly number[];
      readonly to: string | null;
    }
  /** `tells`: what kind of thing is told, which differs between versions. */
  | { readonly type: 'told'; readonly tells: string; readonly told: unknown }
  | ElectionMessage
  /** The tab closes, or may be gone for good. */
  | { readonly type: 'bye' }
  /** The tab `tab`, whose awareness client was `client`, has ended without a word. */
  | { readonly type: 'gone'; readonly tab: string; readonly client: number };

/** What tabs say about who leads. */
export type ElectionMessage =
  | { readonly type: 'ping' }
  /** From who leads. `hidden`: for how long its tab has been hidden, in milliseconds; 0 if it can be seen. */
  | { readonly type: 'pong'; readonly hidden: number }
  /** Asks the leader `to` to let go of its connections. */
  | { readonly type: 'yield'; readonly to: string }
  /** The leader has let go, for the tab `to`. */
  | { readonly type: 'yielded'; readonly to: string };

/** A message as another tab sent it, which another version of this code may have made; null if it is none. */
export function parseMessage(data: unknown): TabMessage | null {
  if (!isRecord(data) || !isRecord(data['body'])) return null;
  const { version, from, clock, leads, body } = data;
  const isGood =
    version === 1 && isOpenTab(from) && isClock(clock) && typeof leads === 'boolean' && isBody(body);
  return isGood ? (data as unknown as TabMessage) : null;
}

function isBody(body: Record<string, unknown>): boolean {
  switch (body['type']) {
    case 'hello':
      return isBytes(body['vector']);
    case 'sync': {
      const { to, base, update, vector, tabs } = body;
      const isAddressed = typeof to === 'string' && (vector === null || isBytes(vector));
      return isAddressed && isClock(base) && isBytes(update) && isListOf(tabs, isOpenTab);
    }
    case 'change': {
      const { after, upTo, updates, own, committed } = body;
      const isMarked = typeof own === 'boolean' && typeof committed === 'boolean';
      return isCount(after) && isCount(upTo) && isMarked && isListOf(updates, isBytes);
    }
    case 'awareness': {
      const { update, lost, to } = body;
      return isBytes(update) && isListOf(lost, isCount) && (to === null || typeof to === 'string');
    }
    case 'pong':
      return isCount(body['hidden']);
    case 'yield':
    case 'yielded':
      return typeof body['to'] === 'string';
    case 'gone':
      return typeof body['tab'] === 'string' && isCount(body['client']);
    case 'told':
      return typeof body['tells'] === 'string';
    case 'ping':
    case 'bye':
      return true;
    default:
      return false;
  }
}

function isOpenTab(value: unknown): value is OpenTab {
  if (!isRecord(value)) return false;
  const { tab, kind, client, sender } = value;
  const isKind = kind === 'edit' || kind === 'view';
  return typeof tab === 'string' && isKind && isCount(client) && typeof sender === 'string';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isClock(value: unknown): value is TabClock {
  return isRecord(value) && Object.values(value).every(isCount);
}

function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isItem);
}
