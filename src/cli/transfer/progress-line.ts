/** How far a transfer is, as a line: with a bar for a terminal, in words for a log. No I/O here. */
import { bytesText, clockText, rateText } from '../screen/quantities.js';

/** How far a file is. */
export interface Progress {
  name: string;
  /** Bytes of the file. */
  size: number;
  /** Bytes of it that have arrived. */
  moved: number;
  bytesPerSecond: number;
  /** null while nobody knows. */
  secondsLeft: number | null;
  /** What is done instead of moving bytes, as "checking 12 MB that are there". */
  note?: string | undefined;
}

const MIN_BAR = 5;
const MAX_BAR = 40;
const MAX_NAME_SHARE = 0.35;

/** Whole percent, and 100 only when all is there. */
function percent({ size, moved }: Progress): number {
  return size === 0 || moved >= size ? 100 : Math.floor((moved / size) * 100);
}

/** `movie.mkv  45% [=====>      ]  450 MB / 1.00 GB   81.2 MB/s  ETA 0:07`, in at most `columns` columns. */
export function barLine(progress: Progress, columns: number, paint = (bar: string): string => bar): string {
  const { name, size, moved, bytesPerSecond, secondsLeft, note } = progress;
  const share = size === 0 ? 1 : Math.min(1, moved / size);
  const head = ` ${String(percent(progress)).padStart(3)}%`;
  const amount = `${bytesText(moved).padStart(8)} / ${bytesText(size)}`;
  const rate = note ?? `${rateText(bytesPerSecond).padStart(10)}  ETA ${clockText(secondsLeft)}`;
  // What a narrow terminal has no room for goes in this order: the amount, the bar, the rate.
  for (const tail of [`  ${amount}  ${rate}`, `  ${rate}`]) {
    const title = cut(name, Math.max(8, Math.floor(columns * MAX_NAME_SHARE)));
    const room = columns - width(title) - head.length - tail.length - 3;
    if (room < MIN_BAR) continue;
    const cells = Math.min(MAX_BAR, room);
    const full = Math.floor(share * cells);
    const bar = full === cells ? '='.repeat(cells) : `${'='.repeat(full)}>`.padEnd(cells);
    return `${title}${head} [${paint(bar)}]${tail}`;
  }
  return cut(name, Math.max(1, columns - head.length)) + head;
}

/** `movie.mkv: 45%, 450 MB of 1.00 GB, 81.2 MB/s, 0:07 left`. */
export function plainLine(progress: Progress): string {
  const { name, size, moved, bytesPerSecond, secondsLeft, note } = progress;
  const rest = note ?? `${rateText(bytesPerSecond)}, ${clockText(secondsLeft)} left`;
  return `${name}: ${percent(progress)}%, ${bytesText(moved)} of ${bytesText(size)}, ${rest}`;
}

/** `name`, in at most `columns` columns: the middle goes, since beginnings and extensions tell files apart. */
function cut(name: string, columns: number): string {
  if (width(name) <= columns) return name;
  const characters = [...name];
  let head = Math.ceil(characters.length / 2);
  let tail = characters.length - head;
  const text = (): string =>
    `${characters.slice(0, head).join('')}…${tail > 0 ? characters.slice(-tail).join('') : ''}`;
  while (head + tail > 0 && width(text()) > columns) {
    if (head > tail) head--;
    else tail--;
  }
  return text();
}

/** Columns that a terminal uses, or more: what may be wide counts as wide, so that a line never wraps. */
function width(text: string): number {
  return [...text].reduce(
    (sum, character) => sum + (character.codePointAt(0)! >= 0x1100 && character !== '…' ? 2 : 1),
    0,
  );
}
