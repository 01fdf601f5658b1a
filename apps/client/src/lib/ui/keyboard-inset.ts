/** The least height of an on-screen keyboard, in CSS pixels. What a browser's own bars take when they come and go is less. */
const KEYBOARD = 120;

/**
 * Tells an element of the on-screen keyboard. `--keyboard-inset` is how much of the window's foot it covers, in CSS pixels: Safari on iOS lays
 * the keyboard over the page; elsewhere the page becomes smaller (`interactive-widget` in app.html) and this stays 0. `data-keyboard` is there
 * while the keyboard is, in either case: no other small window has it.
 *
 * @returns how to stop
 */
export function followKeyboard(element: HTMLElement): () => void {
  const viewport = window.visualViewport;
  if (!viewport) return () => undefined;
  const touch = matchMedia('(pointer: coarse)');
  let width = 0;
  /** The most that was to be seen at this width: what the keyboard takes is missing from it. */
  let tallest = 0;
  const follow = () => {
    // A page that is zoomed in shows a part of itself as well, and that is no keyboard.
    const covered = viewport.scale > 1 ? 0 : innerHeight - viewport.height - viewport.offsetTop;
    element.style.setProperty('--keyboard-inset', `${Math.max(0, Math.round(covered))}px`);
    const seen = viewport.height * viewport.scale;
    tallest = width === innerWidth ? Math.max(tallest, seen) : Math.max(innerHeight, seen);
    width = innerWidth;
    const isTyping = document.activeElement?.closest('input, textarea, [contenteditable=true]') ?? null;
    element.toggleAttribute('data-keyboard', touch.matches && isTyping !== null && tallest - seen > KEYBOARD);
  };
  follow();
  viewport.addEventListener('resize', follow);
  viewport.addEventListener('scroll', follow);
  return () => {
    viewport.removeEventListener('resize', follow);
    viewport.removeEventListener('scroll', follow);
  };
}
