/** How much bars take of the window at its upper and lower edge, in CSS pixels. */
interface Bars {
  readonly top: number;
  readonly bottom: number;
}

/** Between a bar and the text, in CSS pixels. */
const GAP = 6;

/** The bars that lie over the text where the page scrolls: title and tools, the editor's toolbar, a phone's tabs. */
export function barsOverText(): Bars {
  return matchMedia('(max-width: 640px)').matches ? { top: 56, bottom: 128 } : { top: 104, bottom: 0 };
}

/**
 * Where the upper edge of a bar about a text belongs: under the text, else above it; where neither is in sight, over it.
 *
 * @param text the edges of the text in the window
 * @param height of the bar
 */
export function placeBar(
  text: { readonly top: number; readonly bottom: number },
  height: number,
  bars: Bars,
  windowHeight: number,
): number {
  const highest = bars.top + GAP;
  const lowest = windowHeight - bars.bottom - height - GAP;
  const under = text.bottom + GAP;
  const above = text.top - height - GAP;
  return Math.max(highest, Math.min(under > lowest && above >= highest ? above : under, lowest));
}
