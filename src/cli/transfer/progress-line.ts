/** How far a transfer is, as a line: with a bar for a terminal, in words for a log. No I/O here. */
import { bytesText, clockText, rateText } from '../screen/quantities.js';
import { cutMiddle, textWidth } from '../screen/text-width.js';

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
    // The middle goes: beginnings and extensions tell files apart.
    const title = cutMiddle(name, Math.max(8, Math.floor(columns * MAX_NAME_SHARE)));
    const room = columns - textWidth(title) - head.length - tail.length - 3;
    if (room < MIN_BAR) continue;
    const cells = Math.min(MAX_BAR, room);
    const full = Math.floor(share * cells);
    const bar = full === cells ? '='.repeat(cells) : `${'='.repeat(full)}>`.padEnd(cells);
    return `${title}${head} [${paint(bar)}]${tail}`;
  }
  return cutMiddle(name, Math.max(1, columns - head.length)) + head;
}

/** `movie.mkv: 45%, 450 MB of 1.00 GB, 81.2 MB/s, 0:07 left`. */
export function plainLine(progress: Progress): string {
  const { name, size, moved, bytesPerSecond, secondsLeft, note } = progress;
  const rest = note ?? `${rateText(bytesPerSecond)}, ${clockText(secondsLeft)} left`;
  return `${name}: ${percent(progress)}%, ${bytesText(moved)} of ${bytesText(size)}, ${rest}`;
}
