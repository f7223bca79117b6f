/** How many cells of a terminal a text takes, and texts of a given width. */
import { stripVTControlCharacters } from 'node:util';

/** Scripts and symbols that take two cells (Unicode's East Asian Width W and F, in rough ranges), and marks that take none. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const NO_WIDTH = /[\p{Mn}\p{Me}\u200b-\u200f\ufe00-\ufe0f]/u;
const CONTROL = /\p{Cc}/gu;

const ELLIPSIS = '…';

/** Cells that `text` takes; colours take none. */
export function textWidth(text: string): number {
  let width = 0;
  for (const character of stripVTControlCharacters(text)) width += cells(character);
  return width;
}

/** `text` without what would move the cursor: names of files and of peers are somebody else's. */
export function printable(text: string): string {
  return text.replace(CONTROL, '?');
}

/** Cuts plain text to `width` cells, with an ellipsis at the end. */
export function cut(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  return width < 1 ? '' : head(text, width - 1) + ELLIPSIS;
}

/** Cuts in the middle, so that an address keeps its port. */
export function cutMiddle(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  if (width < 3) return cut(text, width);
  const before = Math.floor((width - 1) / 2);
  const reversed = head([...text].reverse().join(''), width - 1 - before);
  return head(text, before) + ELLIPSIS + [...reversed].reverse().join('');
}

/** Plain text of exactly `width` cells: cut or filled up. */
export function fit(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const short = cut(text, width);
  const fill = ' '.repeat(Math.max(0, width - textWidth(short)));
  return align === 'left' ? short + fill : fill + short;
}

function head(text: string, width: number): string {
  let [kept, taken] = ['', 0];
  for (const character of text) {
    taken += cells(character);
    if (taken > width) break;
    kept += character;
  }
  return kept;
}

function cells(character: string): number {
  if (NO_WIDTH.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}
