/** One line of the results. */
export interface Result {
  readonly what: string;
  /** The figure in its own unit, for orientation: another machine has another. */
  readonly figure: string;
  /** The same against the floor or the peer of this run. */
  readonly ratio: number | null;
  /** What the ratio should not exceed. */
  readonly aim: number | null;
}

/** The middle of a list of numbers. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value that a part of them does not exceed; nearest rank. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)];
  if (value === undefined) throw new RangeError('there is nothing to measure');
  return value;
}

/** A Markdown table of results. */
export function tableOf(results: readonly Result[], against: string): string {
  const lines = results.map(({ what, figure, ratio, aim }) => {
    const missed = ratio !== null && aim !== null && ratio > aim;
    const limit = aim === null ? '' : `${Number(aim.toFixed(2))}×`;
    const verdict = missed ? `${limit} — missed` : limit;
    return `| ${what} | ${figure} | ${ratio === null ? '' : `${ratio.toFixed(2)}×`} | ${verdict} |`;
  });
  return [`| | | against ${against} | aim |`, '| --- | --- | --- | --- |', ...lines].join('\n');
}

/** Replaces what stands between the two marks of a section; the text around it is kept. */
export function replaceSection(document: string, name: string, content: string): string {
  const [begin, end] = [`<!-- bench: ${name} -->`, `<!-- /bench: ${name} -->`];
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from < 0 || to < from) throw new Error(`the document has no section ${name}`);
  return `${document.slice(0, from + begin.length)}\n\n${content}\n\n${document.slice(to)}`;
}

export const milliseconds = (value: number) => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
export const number = (value: number) => value.toLocaleString('en-US');
export const bytes = (value: number) => `${number(value)} bytes`;
/** Of bytes, in whichever of two units reads well. */
export const size = (value: number) =>
  value < 10_000 ? bytes(value) : `${number(Math.round(value / 1000))} kB`;
