import type { Reached, Way } from './reached.ts';

/** A size in a few characters, in decimal units. @param bytes not negative */
export function describeBytes(bytes: number): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return new Intl.NumberFormat(undefined, {
    style: 'unit',
    unit: units[power],
    unitDisplay: power === 0 ? 'long' : 'short',
    maximumSignificantDigits: 2,
    maximumFractionDigits: 0,
    roundingPriority: 'morePrecision',
  }).format(bytes / 1000 ** power);
}

/** How somebody is reached, and how much went over the connection, in a line. */
export function describeWay({ way, connecting, traffic }: Reached): string {
  const byTraffic = traffic
    ? ` · ${describeBytes(traffic.sent)} sent, ${describeBytes(traffic.received)} received`
    : '';
  return `${ways[way]}${connecting ? ', connecting directly' : ''}${byTraffic}`;
}

const ways: Record<Way, string> = {
  direct: 'Directly',
  turn: 'Through a TURN server',
  relay: 'Through the relay',
  others: 'Through others who are here',
};
