/**
 * Keeps `--keyboard-inset` on an element: how much of the window's foot the on-screen keyboard covers, in CSS pixels. Safari on iOS lays
 * the keyboard over the page; elsewhere the page becomes smaller (`interactive-widget` in app.html) and this stays 0.
 *
 * @returns how to stop
 */
export function followKeyboard(element: HTMLElement): () => void {
  const viewport = window.visualViewport;
  if (!viewport) return () => undefined;
  const follow = () => {
    // A page that is zoomed in shows a part of itself as well, and that is no keyboard.
    const covered = viewport.scale > 1 ? 0 : innerHeight - viewport.height - viewport.offsetTop;
    element.style.setProperty('--keyboard-inset', `${Math.max(0, Math.round(covered))}px`);
  };
  follow();
  viewport.addEventListener('resize', follow);
  viewport.addEventListener('scroll', follow);
  return () => {
    viewport.removeEventListener('resize', follow);
    viewport.removeEventListener('scroll', follow);
  };
}
