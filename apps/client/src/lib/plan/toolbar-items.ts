import Bold from '@lucide/svelte/icons/bold';
import Code from '@lucide/svelte/icons/code';
import Heading1 from '@lucide/svelte/icons/heading-1';
import Heading2 from '@lucide/svelte/icons/heading-2';
import Heading3 from '@lucide/svelte/icons/heading-3';
import Italic from '@lucide/svelte/icons/italic';
import Link from '@lucide/svelte/icons/link';
import List from '@lucide/svelte/icons/list';
import ListOrdered from '@lucide/svelte/icons/list-ordered';
import ListTodo from '@lucide/svelte/icons/list-todo';
import Redo from '@lucide/svelte/icons/redo-2';
import SquareCode from '@lucide/svelte/icons/square-code';
import Strikethrough from '@lucide/svelte/icons/strikethrough';
import TextQuote from '@lucide/svelte/icons/text-quote';
import Undo from '@lucide/svelte/icons/undo-2';
import type { Component } from 'svelte';
import type { PlanCommand } from './commands.ts';
import { SHORTCUTS } from './shortcuts.ts';

/** A button of the toolbar; `link` opens the form for an address, everything else is a command. */
export interface ToolbarItem {
  readonly action: PlanCommand | 'link';
  readonly name: string;
  readonly icon: Component<{ size?: number }>;
  readonly keys: string | null;
}

function item(action: ToolbarItem['action'], name: string, icon: ToolbarItem['icon']): ToolbarItem {
  return {
    action,
    name,
    icon,
    keys: action in SHORTCUTS ? SHORTCUTS[action as keyof typeof SHORTCUTS] : null,
  };
}

/** The toolbar's buttons in their groups. */
export const TOOLBAR: readonly (readonly ToolbarItem[])[] = [
  [item('undo', 'Undo', Undo), item('redo', 'Redo', Redo)],
  [
    item('heading1', 'Heading 1', Heading1),
    item('heading2', 'Heading 2', Heading2),
    item('heading3', 'Heading 3', Heading3),
  ],
  [
    item('bold', 'Bold', Bold),
    item('italic', 'Italic', Italic),
    item('strike', 'Strikethrough', Strikethrough),
    item('code', 'Code', Code),
    item('link', 'Link', Link),
  ],
  [
    item('bulletList', 'Bulleted list', List),
    item('orderedList', 'Numbered list', ListOrdered),
    item('taskList', 'Task list', ListTodo),
  ],
  [item('quote', 'Quote', TextQuote), item('codeBlock', 'Code block', SquareCode)],
];
