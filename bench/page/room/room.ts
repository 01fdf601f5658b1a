import { joinInFrame, type FramedMember } from './frame.ts';
import type { Joining } from './member.ts';
import type { Traffic } from './traffic.ts';

/** Those members of a room who are in this page. */
const members: FramedMember[] = [];

/** How a member is doing. */
export interface Standing {
  readonly connected: number;
  /** Length of the room's text, as this member has it. */
  readonly length: number;
  readonly traffic: Traffic;
}

/** Lets members join a room in this page. */
export function joinRoom(script: string, joining: Joining, count: number): void {
  for (let joined = 0; joined < count; joined += 1) members.push(joinInFrame(script, joining));
}

/**
 * Lets one more member join.
 *
 * @returns milliseconds until it has the room's text; null if it has not after `patience`
 */
export async function joinLast(
  script: string,
  joining: Joining,
  length: number,
  patience: number,
): Promise<number | null> {
  const member = joinInFrame(script, joining);
  members.push(member);
  return new Promise((resolve) => {
    setTimeout(() => resolve(null), patience);
    member.doc.on('update', () => {
      if (member.doc.getText('text').length >= length) resolve(performance.now() - member.since);
    });
  });
}

/** So many members of this page press a key, the first ones. */
export function pressKeys(count: number): void {
  for (const { doc } of members.slice(0, count)) doc.getText('text').insert(0, 'x');
}

export function quietenRoom(): void {
  for (const member of members) member.quieten();
}

export function standings(): Standing[] {
  return members.map(({ doc, connected, traffic }) => ({
    connected: connected(),
    length: doc.getText('text').length,
    traffic,
  }));
}
