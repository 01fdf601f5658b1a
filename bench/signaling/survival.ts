import { almostFrames } from '../../apps/signaling/conformance/almost-frame.ts';
import { Client } from '../../apps/signaling/conformance/client.ts';
import { NAMES, type Servers } from './servers.ts';

/** Of the malformed frames that the conformance suite sends, the first ones. */
const FRAMES = 300;

/** What becomes of servers that are sent what is no message: a title and a list. Not all of them are there afterwards. */
export async function measureSurvival(servers: Servers): Promise<string[]> {
  const frames = almostFrames(FRAMES);
  const lines: string[] = [];
  for (const kind of ['y-webrtc', 'parley'] as const) {
    const outcome = await sendAll(servers.get(kind)?.url ?? '', frames);
    lines.push(`- ${NAMES[kind]}: ${sentence(outcome)}`);
  }
  return [
    `Sent the first ${FRAMES} malformed frames of the conformance suite, one after the other:`,
    lines.join('\n'),
  ];
}

interface Outcome {
  /** How many were sent. */
  readonly sent: number;
  /** How many were answered with an error. */
  readonly refused: number;
  /** Sockets that the server closed meanwhile. */
  readonly closed: number;
  /** Whether somebody who was connected all the time still is. */
  readonly isThere: boolean;
}

function sentence({ sent, refused, closed, isThere }: Outcome): string {
  if (!isThere) return `its process ends at number ${sent}, and every connection with it.`;
  return `answers ${refused} of ${sent} with an error, closes ${closed} sockets for them, and goes on; who was there from the beginning still is.`;
}

async function sendAll(url: string, frames: readonly string[]): Promise<Outcome> {
  const witness = await Client.connect(url);
  const outcome = { sent: 0, refused: 0, closed: 0 };
  let sender = await Client.connect(url);
  for (const frame of frames) {
    outcome.sent += 1;
    sender.sendRaw(frame);
    const answers = (await sender.settle()) as { type: string }[];
    outcome.refused += answers.filter(({ type }) => type === 'error').length;
    if (sender.isOpen) continue;
    outcome.closed += 1;
    await witness.settle();
    if (!witness.isOpen) return { ...outcome, isThere: false };
    sender = await Client.connect(url);
  }
  await sender.close();
  await witness.close();
  return { ...outcome, isThere: true };
}
