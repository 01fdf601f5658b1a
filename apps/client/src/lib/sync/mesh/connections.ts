/** A connection to another browser, as the person may see it. */
export interface MeshConnection {
  /** The other's name in the mesh: the awareness field `peer`. */
  readonly peer: string;
  readonly state: 'connecting' | 'connected';
  /** Null as long as there is none. */
  readonly way: 'direct' | 'turn' | null;
  /** Bytes. */
  readonly sent: number;
  readonly received: number;
  /** Messages that were not sent because the other one, a stock client, cannot take any that large. */
  readonly refused: number;
}

interface Report {
  readonly type: string;
  readonly id: string;
  readonly [field: string]: unknown;
}

/** What the browser's statistics say about the way that is used, and about what went over it. */
export function readStats(reports: Iterable<Report>): Pick<MeshConnection, 'way' | 'sent' | 'received'> {
  const all = [...reports];
  const named = (id: unknown) => all.find((report) => report.id === id);
  const chosen = all.find(({ type }) => type === 'transport')?.['selectedCandidatePairId'];
  // Firefox names it in the pair itself.
  const pair =
    named(chosen) ?? all.find(({ type, selected }) => type === 'candidate-pair' && selected === true);
  if (!pair) return { way: null, sent: 0, received: 0 };
  const ends = [named(pair['localCandidateId']), named(pair['remoteCandidateId'])];
  const isRelayed = ends.some((end) => end?.['candidateType'] === 'relay');
  return {
    way: isRelayed ? 'turn' : 'direct',
    sent: Number(pair['bytesSent'] ?? 0),
    received: Number(pair['bytesReceived'] ?? 0),
  };
}
