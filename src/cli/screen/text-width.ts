/** How many cells of a terminal a text takes, and texts of a given width. */
import { stripVTControlCharacters } from 'node:util';
import stringWidth from 'string-width';

/** Also those that turn the direction of a line around. */
const CONTROL = /[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu;

const ELLIPSIS = '…';

/** What a reader takes for one character: an emoji of several joined ones, a letter with its accents. */
const characters = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** ASCII, Latin letters, dashes and what plots are drawn with: one cell each, and most of what a screen shows. */
const SINGLE_CELLS = /^[\x20-\x7e\u00a1-\u00ac\u00ae-\u02ff\u2013\u2014\u2026\u2500-\u259f\u2800-\u28ff]*$/;

/** Cells that `text` takes; colours take none. */
export function textWidth(text: string): number {
  // A screen is measured many times a second: what needs no table is counted.
  const plain = text.includes('\x1b') ? stripVTControlCharacters(text) : text;
  return SINGLE_CELLS.test(plain) ? plain.length : stringWidth(plain);
}

/** `text` without what would move the cursor, or show another text: names of files and of peers are somebody else's. */
export function printable(text: string): string {
  return text.replace(CONTROL, '?');
}

/** Cuts plain text to `width` cells, with an ellipsis at the end. */
export function cut(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  return width < 1 ? '' : head(split(text), width - 1) + ELLIPSIS;
}

/** Cuts in the middle, so that an address keeps its port. */
export function cutMiddle(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  if (width < 3) return cut(text, width);
  const before = Math.floor((width - 1) / 2);
  const parts = split(text);
  return head(parts, before) + ELLIPSIS + tail(parts, width - 1 - before);
}

/** Plain text of exactly `width` cells: cut or filled up. */
export function fit(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const short = cut(text, width);
  const fill = ' '.repeat(Math.max(0, width - textWidth(short)));
  return align === 'left' ? short + fill : fill + short;
}

/** The columns of a stream: a serial console says 0 where it doesn't know, a pipe nothing. */
export function columnsOf({ columns }: { columns?: number }, otherwise: number): number {
  return columns === undefined || columns <= 0 ? otherwise : columns;
}

function split(text: string): string[] {
  if (SINGLE_CELLS.test(text)) return Array.from(text);
  return Array.from(characters.segment(text), ({ segment }) => segment);
}

function head(parts: readonly string[], width: number): string {
  let [kept, taken] = ['', 0];
  for (const part of parts) {
    taken += textWidth(part);
    if (taken > width) break;
    kept += part;
  }
  return kept;
}

function tail(parts: readonly string[], width: number): string {
  let [kept, taken] = ['', 0];
  for (const part of parts.toReversed()) {
    taken += textWidth(part);
    if (taken > width) break;
    kept = part + kept;
  }
  return kept;
}
