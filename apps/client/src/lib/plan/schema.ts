import { Schema } from 'prosemirror-model';
import { readChecked, readHeadingLevel, readLanguage, readListStart } from './attributes.ts';
import { safeHref } from './links.ts';

/**
 * What a page of the plan can hold. The names of nodes, marks and attributes are written into people's documents: they are never
 * renamed or given another meaning; a new one needs a new schema version of the session document.
 *
 * Items and quotes take any blocks in any order, and every attribute has a default and no validation, because what two people
 * change at the same time, or a peer makes up, must still be a valid node: the binding deletes what is not.
 */
export const planSchema = new Schema({
  nodes: {
    doc: { content: 'block+' },
    paragraph: {
      content: 'inline*',
      group: 'block',
      parseDOM: [{ tag: 'p' }],
      toDOM: () => ['p', 0],
    },
    heading: {
      attrs: { level: { default: 1 } },
      content: 'inline*',
      group: 'block',
      defining: true,
      parseDOM: [1, 2, 3, 4, 5, 6].map((level) => ({
        tag: `h${level}`,
        attrs: { level: Math.min(level, 3) },
      })),
      toDOM: (node) => [`h${readHeadingLevel(node.attrs['level'])}`, 0],
    },
    blockquote: {
      content: 'block+',
      group: 'block',
      defining: true,
      parseDOM: [{ tag: 'blockquote' }],
      toDOM: () => ['blockquote', 0],
    },
    task_list: {
      content: 'task_item+',
      group: 'block',
      parseDOM: [
        { tag: 'ul[data-task-list]', priority: 60 },
        { tag: 'ul.contains-task-list', priority: 60 },
      ],
      toDOM: () => ['ul', { 'data-task-list': '' }, 0],
    },
    task_item: {
      attrs: { checked: { default: false } },
      content: 'block+',
      defining: true,
      parseDOM: [
        {
          tag: 'li[data-checked]',
          priority: 60,
          getAttrs: (item) => ({ checked: item.dataset['checked'] === 'true' }),
        },
        {
          tag: 'li.task-list-item',
          priority: 60,
          getAttrs: (item) => ({ checked: item.querySelector('input[type=checkbox][checked]') !== null }),
        },
      ],
      toDOM: (node) => ['li', { 'data-checked': String(readChecked(node.attrs['checked'])) }, 0],
    },
    bullet_list: {
      content: 'list_item+',
      group: 'block',
      parseDOM: [{ tag: 'ul' }],
      toDOM: () => ['ul', 0],
    },
    ordered_list: {
      attrs: { order: { default: 1 } },
      content: 'list_item+',
      group: 'block',
      parseDOM: [
        {
          tag: 'ol',
          getAttrs: (list) => ({ order: readListStart(Number(list.getAttribute('start') ?? 1)) }),
        },
      ],
      toDOM(node) {
        const start = readListStart(node.attrs['order']);
        return start === 1 ? ['ol', 0] : ['ol', { start }, 0];
      },
    },
    list_item: {
      content: 'block+',
      defining: true,
      parseDOM: [{ tag: 'li' }],
      toDOM: () => ['li', 0],
    },
    code_block: {
      attrs: { language: { default: null } },
      content: 'text*',
      marks: '',
      group: 'block',
      code: true,
      defining: true,
      parseDOM: [
        {
          tag: 'pre',
          preserveWhitespace: 'full',
          getAttrs: (block) => ({ language: languageOf(block) }),
        },
      ],
      toDOM(node) {
        const language = readLanguage(node.attrs['language']);
        const name = language === null ? {} : { 'data-language': language };
        return ['pre', { spellcheck: 'false', ...name }, ['code', 0]];
      },
    },
    horizontal_rule: {
      group: 'block',
      parseDOM: [{ tag: 'hr' }],
      toDOM: () => ['hr'],
    },
    text: { group: 'inline' },
    hard_break: {
      inline: true,
      group: 'inline',
      selectable: false,
      linebreakReplacement: true,
      parseDOM: [{ tag: 'br' }],
      toDOM: () => ['br'],
    },
  },
  marks: {
    link: {
      attrs: { href: { default: null } },
      inclusive: false,
      parseDOM: [
        {
          tag: 'a[href]',
          getAttrs(anchor) {
            const href = safeHref(anchor.getAttribute('href'));
            return href === null ? false : { href };
          },
        },
      ],
      toDOM(mark) {
        const href = safeHref(mark.attrs['href']);
        const address = href === null ? {} : { href };
        return ['a', { ...address, rel: 'noopener noreferrer nofollow', target: '_blank' }, 0];
      },
    },
    strong: {
      parseDOM: [
        { tag: 'strong' },
        // Google Docs wraps everything in <b style="font-weight: normal">.
        { tag: 'b', getAttrs: (bold) => (bold.style.fontWeight === 'normal' ? false : null) },
        {
          style: 'font-weight',
          getAttrs: (weight) => (/^(?:bold(?:er)?|[6-9]00)$/.test(weight) ? null : false),
        },
      ],
      toDOM: () => ['strong', 0],
    },
    em: {
      parseDOM: [{ tag: 'em' }, { tag: 'i' }, { style: 'font-style=italic' }],
      toDOM: () => ['em', 0],
    },
    strike: {
      parseDOM: [{ tag: 's' }, { tag: 'del' }, { tag: 'strike' }, { style: 'text-decoration=line-through' }],
      toDOM: () => ['s', 0],
    },
    code: {
      code: true,
      parseDOM: [{ tag: 'code' }],
      toDOM: () => ['code', { spellcheck: 'false' }, 0],
    },
  },
});

function languageOf(block: HTMLElement): string | null {
  const named = block.querySelector('code')?.className.match(/(?:^|\s)language-(\S+)/)?.[1];
  return readLanguage(block.dataset['language'] ?? named);
}
