/** Text that was written for a wide screen, brought to the width of this one, so that the terminal splits no word. */
import wrapAnsi from 'wrap-ansi';
import { textWidth } from './text-width.js';

/** Cells that a remark needs beside what it is about; with less it goes below. */
const LEAST_REMARK = 24;
/** Indentation of a remark that stands below. */
const BELOW = 6;

/** `  pool-ts top      the sessions of a device`: an example, a gap, and a remark on it. */
const REMARKED = /^( +\S(?:.*?\S)?)( {2,})(\S.*)$/;

/**
 * Reflows paragraphs that are too wide, and the remarks of examples that are. An example itself stays one line however
 * long it is: in a terminal it can be copied as it is.
 */
export function reflow(text: string, width: number): string {
  const lines: string[] = [];
  let paragraph: string[] = [];
  const close = (): void => {
    const tooWide = paragraph.some((line) => textWidth(line) > width);
    lines.push(...(tooWide ? wrap(paragraph.join(' '), width) : paragraph));
    paragraph = [];
  };
  for (const line of text.split('\n')) {
    if (/^\S/.test(line)) {
      paragraph.push(line);
    } else {
      close();
      lines.push(...(textWidth(line) > width ? remarked(line, width) : [line]));
    }
  }
  close();
  return lines.join('\n');
}

/** Lines of words, none wider than `width` but for a word that is. */
export function wrap(text: string, width: number): string[] {
  const words = text.split(' ').filter((part) => part !== '');
  return Number.isFinite(width) ? wrapAnsi(words.join(' '), Math.max(1, width)).split('\n') : [words.join(' ')];
}

function remarked(line: string, width: number): string[] {
  const [, example = line, gap = '', remark] = REMARKED.exec(line) ?? [];
  if (remark === undefined) return [line];
  const column = textWidth(example + gap);
  if (width - column >= LEAST_REMARK) {
    const [first = '', ...rest] = wrap(remark, width - column);
    return [example + gap + first, ...rest.map((more) => ' '.repeat(column) + more)];
  }
  return [example, ...wrap(remark, width - BELOW).map((more) => ' '.repeat(BELOW) + more)];
}
