import { exitCode, setBlockType, wrapIn } from 'prosemirror-commands';
import { TextSelection, type Command } from 'prosemirror-state';
import { readHeadingLevel, readLanguage, type HeadingLevel } from './attributes.ts';
import { planSchema } from './schema.ts';

const { paragraph, heading, blockquote, code_block, hard_break } = planSchema.nodes;

/** What a line must hold for Enter or space to open a code block: three backticks and perhaps a language. */
const FENCE = /^```(\S{0,30})$/;

export const setParagraph: Command = setBlockType(paragraph);

/** Makes the selected blocks headings of that level, or paragraphs again. */
export function toggleHeading(level: HeadingLevel): Command {
  return (state, dispatch) => {
    const { parent } = state.selection.$from;
    const isSet = parent.type === heading && readHeadingLevel(parent.attrs['level']) === level;
    return isSet ? setParagraph(state, dispatch) : setBlockType(heading, { level })(state, dispatch);
  };
}

/** Puts the selected blocks into a quote, or takes them out of the innermost one. */
export const toggleQuote: Command = (state, dispatch) =>
  liftFromQuote(state, dispatch) || wrapIn(blockquote)(state, dispatch);

const liftFromQuote: Command = (state, dispatch) => {
  const { $from, $to } = state.selection;
  const range = $from.blockRange($to, (node) => node.type === blockquote);
  if (!range) return false;
  dispatch?.(state.tr.lift(range, range.depth - 1).scrollIntoView());
  return true;
};

/** Makes the selected lines one code block, or a code block paragraphs again. */
export const toggleCodeBlock: Command = (state, dispatch) => {
  const { $from, $to } = state.selection;
  if ($from.parent.type === code_block) return setParagraph(state, dispatch);
  const range = $from.blockRange($to);
  if (!range || range.endIndex - range.startIndex === 1) return setBlockType(code_block)(state, dispatch);
  const blocks = range.parent.children.slice(range.startIndex, range.endIndex);
  if (!blocks.every((block) => block.isTextblock)) return setBlockType(code_block)(state, dispatch);
  const lines = blocks.map((block) =>
    block.textBetween(0, block.content.size, null, (leaf) => (leaf.type === hard_break ? '\n' : '')),
  );
  const text = lines.join('\n');
  const node = code_block.create(null, text === '' ? null : planSchema.text(text));
  if (dispatch) {
    const tr = state.tr.replaceRangeWith(range.start, range.end, node);
    tr.setSelection(TextSelection.create(tr.doc, range.start + 1, range.start + 1 + node.content.size));
    dispatch(tr.scrollIntoView());
  }
  return true;
};

/** Backspace at the start of a heading, or in an empty code block, makes it a paragraph. */
export const resetBlock: Command = (state, dispatch) => {
  const { $from, empty } = state.selection;
  if (!empty || $from.parentOffset > 0) return false;
  const { parent } = $from;
  const resettable = parent.type === heading || (parent.type === code_block && parent.content.size === 0);
  return resettable && setParagraph(state, dispatch);
};

/** Enter behind ```` ```language ```` opens a code block. */
export const openFence: Command = (state, dispatch) => {
  const { $from, empty } = state.selection;
  if (!empty || $from.parent.type !== paragraph || $from.parentOffset < $from.parent.content.size)
    return false;
  const fence = FENCE.exec($from.parent.textContent);
  if (!fence || $from.parent.content.size !== fence[0].length) return false;
  dispatch?.(
    state.tr
      .delete($from.start(), $from.end())
      .setBlockType($from.start(), $from.start(), code_block, { language: readLanguage(fence[1]) })
      .scrollIntoView(),
  );
  return true;
};

/** Enter on a second empty line at the end of a code block leaves it, without the empty lines. */
export const leaveCodeByEnter: Command = (state, dispatch) => {
  const { $from, empty } = state.selection;
  if (!empty || $from.parent.type !== code_block || $from.parentOffset < $from.parent.content.size)
    return false;
  if (!$from.parent.textContent.endsWith('\n\n')) return false;
  if (dispatch) {
    const tr = state.tr.delete($from.pos - 2, $from.pos);
    const after = tr.selection.$from.after();
    tr.insert(after, paragraph.create()).setSelection(TextSelection.create(tr.doc, after + 1));
    dispatch(tr.scrollIntoView());
  }
  return true;
};

/** Arrow down at the end of a code block with nothing below it makes a place to go to. */
export const leaveCodeByArrow: Command = (state, dispatch) => {
  const { $from, empty } = state.selection;
  if (!empty || $from.parent.type !== code_block || $from.parentOffset < $from.parent.content.size)
    return false;
  const isLast = $from.pos + $from.depth === state.doc.content.size;
  return isLast && exitCode(state, dispatch);
};

/** Tab in a code block. */
export const indentCode: Command = (state, dispatch) => {
  if (!isInCode(state)) return false;
  dispatch?.(state.tr.insertText('  ').scrollIntoView());
  return true;
};

/** Shift-Tab in a code block removes up to two spaces at the start of the line. */
export const outdentCode: Command = (state, dispatch) => {
  if (!isInCode(state)) return false;
  const { $from } = state.selection;
  const line = $from.parent.textContent.slice(0, $from.parentOffset).lastIndexOf('\n') + 1;
  const spaces = /^ {0,2}/.exec($from.parent.textContent.slice(line))?.[0].length ?? 0;
  const start = $from.start() + line;
  if (spaces > 0) dispatch?.(state.tr.delete(start, start + spaces));
  return true;
};

/** A line break inside a block. */
export const insertBreak: Command = (state, dispatch) => {
  const { $from, $to } = state.selection;
  if (!$from.parent.inlineContent || !$from.sameParent($to)) return false;
  const content = isInCode(state) ? planSchema.text('\n') : hard_break.create();
  dispatch?.(state.tr.replaceSelectionWith(content, !isInCode(state)).scrollIntoView());
  return true;
};

function isInCode(state: Parameters<Command>[0]): boolean {
  const { $from, $to } = state.selection;
  return $from.parent.type === code_block && $from.sameParent($to);
}
