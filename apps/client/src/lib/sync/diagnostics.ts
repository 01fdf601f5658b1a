import type { Reached } from './reached.ts';
import type { SyncFacts } from './status.ts';
import type { StorageRoom } from './storage-room.ts';

export interface Circumstances {
  readonly facts: SyncFacts;
  readonly reached: readonly Reached[];
  readonly room: StorageRoom | null;
  /** Of the app, and of the browser as it calls itself. */
  readonly version: string;
  readonly browser: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * What somebody who looks for a mistake needs to know, as text to be sent to them: states, counts, sizes and times. Each value is picked: no name,
 * id, title, key or address is among them.
 */
export function describeDiagnostics({ facts, reached, room, version, browser, now }: Circumstances): string {
  const { device, online, hub, viewing, others, having, waiting, following, relayOnly, isMeshShut, mailbox } =
    facts;
  const { state, onRelay, incomplete, unreachableSince, trouble, quarantined, dropped } = mailbox;
  const report = {
    at: timeOf(now),
    version,
    browser,
    session: { device, online, hub, viewing, waiting, following, relayOnly, isMeshShut, others, having },
    mailbox: {
      ...{ state, onRelay, incomplete, trouble, quarantined, dropped },
      unreachableSince: timeOf(unreachableSince),
    },
    lastTrouble: facts.lastTrouble && { code: facts.lastTrouble.code, at: timeOf(facts.lastTrouble.at) },
    people: reached.map(({ way, connecting, traffic, viewing, having }) => ({
      ...{ way, connecting, viewing, having },
      ...(traffic && { sent: traffic.sent, received: traffic.received }),
    })),
    storage: room && { used: room.used, quota: room.quota, persisted: room.persisted },
  };
  return JSON.stringify(report, null, 2);
}

function timeOf(time: number | null): string | null {
  return time === null ? null : new Date(time).toISOString();
}
