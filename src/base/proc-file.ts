/** Files of /proc, which have no size and are made while they are read: reads don't block. */
import { closeSync, openSync, readSync } from 'node:fs';

/** What files are read into: readFileSync takes 64 KiB of fresh memory for a file without a size, and three times as long. */
let pages: Buffer | undefined;

/** The text of a file of /proc; null where it can't be read. */
export function readProcFile(path: string): string | null {
  try {
    const file = openSync(path, 'r');
    try {
      return textOf(file);
    } finally {
      closeSync(file);
    }
  } catch {
    return null;
  }
}

function textOf(file: number): string {
  pages ??= Buffer.allocUnsafeSlow(16 * 1024);
  let text = '';
  for (;;) {
    const length = readSync(file, pages);
    if (length === 0) return text;
    text += pages.toString('latin1', 0, length);
  }
}
