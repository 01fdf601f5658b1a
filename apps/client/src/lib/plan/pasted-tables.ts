import { DOMParser, type ParseOptions, type Slice } from 'prosemirror-model';
import { planSchema } from './schema.ts';

/** What would break the one line that a row becomes. */
const BREAKS = 'p, div, h1, h2, h3, h4, h5, h6, ul, ol, li, pre, blockquote, hr, br';

/** Reads pasted HTML; as there are no tables in the plan, every row of one becomes a line. */
export class PasteParser extends DOMParser {
  constructor() {
    super(planSchema, DOMParser.fromSchema(planSchema).rules);
  }

  override parseSlice(dom: Node, options?: ParseOptions): Slice {
    if (dom instanceof Element) dom.querySelectorAll('tr').forEach(spellRow);
    return super.parseSlice(dom, options);
  }
}

/**
 * Replaces a row by a paragraph, `Partner | 12 h | 450`. Where tables only arrange a page, with one cell in a row or tables inside
 * each other, the cells stay what they are, one below the other.
 */
function spellRow(row: Element): void {
  const cells = [...row.querySelectorAll(':scope > :is(td, th)')];
  const isLine = cells.length > 1 && row.querySelector('table') === null;
  // Made in the document that ProseMirror reads from, which loads and runs nothing; never in the page's.
  const create = (name: string): HTMLElement => row.ownerDocument.createElement(name);
  const line = create(isLine ? 'p' : 'div');
  for (const [index, cell] of cells.entries()) {
    if (isLine) {
      for (const breaking of cell.querySelectorAll(BREAKS))
        breaking.replaceWith(' ', ...breaking.childNodes, ' ');
      line.append(index > 0 ? ' | ' : '', ...cell.childNodes);
    } else {
      const block = create('div');
      block.append(...cell.childNodes);
      line.append(block);
    }
  }
  row.replaceWith(line);
}
