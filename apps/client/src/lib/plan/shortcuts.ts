import type { PlanCommand } from './commands.ts';

/** Keys in ProseMirror's notation: `Mod` is ⌘ on Apple's devices and Ctrl elsewhere. */
export const SHORTCUTS = {
  undo: 'Mod-z',
  redo: 'Mod-Shift-z',
  bold: 'Mod-b',
  italic: 'Mod-i',
  code: 'Mod-e',
  strike: 'Mod-Shift-x',
  paragraph: 'Mod-Alt-0',
  heading1: 'Mod-Alt-1',
  heading2: 'Mod-Alt-2',
  heading3: 'Mod-Alt-3',
  orderedList: 'Mod-Shift-7',
  bulletList: 'Mod-Shift-8',
  taskList: 'Mod-Shift-9',
  quote: 'Mod-Shift-b',
} as const satisfies Partial<Record<PlanCommand, string>>;

const NAMES: Record<string, { readonly apple: string; readonly other: string }> = {
  Mod: { apple: '⌘', other: 'Ctrl' },
  Alt: { apple: '⌥', other: 'Alt' },
  Shift: { apple: '⇧', other: 'Shift' },
  Enter: { apple: '↩', other: 'Enter' },
  Escape: { apple: 'esc', other: 'Esc' },
};

/** A shortcut as it is written for people: `⌘⇧X` on Apple's devices, `Ctrl+Shift+X` elsewhere. */
export function describeShortcut(keys: string, isApple: boolean): string {
  const names = keys.split('-').map((key) => {
    const name = NAMES[key];
    if (name) return isApple ? name.apple : name.other;
    return key.length === 1 ? key.toUpperCase() : key;
  });
  return names.join(isApple ? '' : '+');
}
