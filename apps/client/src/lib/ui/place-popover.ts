/** Distance of a popover from its button and from the edges of the window, in CSS pixels. */
const GAP = 4;

/**
 * Puts a popover at the button that opens it: below if there is room, else above, flush with the edge that is nearer to the window's, and
 * inside the window. For `ontoggle`; a popover lies in the
 * top layer and knows nothing of its button's place otherwise.
 */
export function placePopover(event: ToggleEvent & { currentTarget: HTMLElement }): void {
  if (event.newState !== 'open') return;
  const popover = event.currentTarget;
  const button = document.querySelector(`[popovertarget="${popover.id}"]`)?.getBoundingClientRect();
  if (!button) return;
  const { offsetWidth: width, offsetHeight: height } = popover;
  const below = button.bottom + GAP;
  const top = below + height + GAP <= innerHeight ? below : Math.max(GAP, button.top - GAP - height);
  const isAtRight = button.left + button.right > innerWidth;
  const left = Math.max(
    GAP,
    Math.min(isAtRight ? button.right - width : button.left, innerWidth - width - GAP),
  );
  popover.style.top = `${top}px`;
  popover.style.left = `${left}px`;
}
