import { expect, type Guest, moveCursor } from './parley.ts';

/** A button of the plan's toolbar. */
export function toolbarButton(guest: Guest, name: string) {
  return guest.page.getByRole('toolbar', { name: 'Formatting' }).getByRole('button', { name, exact: true });
}

/** Writes, selects the last word, and asks for a link on it; answers with the field for its address, which has the focus. */
export async function askForLink(guest: Guest, text: string) {
  await guest.newSession();
  await guest.write(text);
  await moveCursor(guest.page, 'Control+Shift+ArrowLeft');
  await toolbarButton(guest, 'Link').click();
  const address = guest.page.getByRole('textbox', { name: 'Link address' });
  await expect(address).toBeFocused();
  return address;
}
