/** Files of /proc, which have no size and are made while they are read: reads don't block. */
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { messageOf, PoolError } from './errors.js';

/** What files are read into: readFileSync takes 64 KiB of fresh memory for a file without a size, and three times as long. */
let pages: Buffer | undefined;

/** What says that this process is shown no such file. Anything else, as EMFILE, says nothing of the file. */
const NOT_SHOWN = new Set(['ENOENT', 'ESRCH', 'EACCES', 'EPERM', 'ENOTDIR']);

/**
 * The text of a file of /proc; null where this process is shown none.
 * @throws PoolError with the errno's name where it can't be read at the moment, as for want of descriptors
 */
export function readProcFile(path: string): string | null {
  return unlessPassing(path, null, () => {
    const file = openSync(path, 'r');
    try {
      return textOf(file);
    } finally {
      closeSync(file);
    }
  });
}

/**
 * The names in a folder of /proc; none where this process is shown none.
 * @throws as {@link readProcFile}
 */
export function listProcFolder(path: string): readonly string[] {
  return unlessPassing(path, [], () => readdirSync(path));
}

function unlessPassing<T>(path: string, none: T, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const { code, errno, syscall } = cause as NodeJS.ErrnoException;
    // What a runtime forbids by itself has no errno.
    if (code === undefined || errno === undefined || NOT_SHOWN.has(code)) return none;
    throw new PoolError(code, `${path} can't be read at the moment: ${messageOf(cause)}`, { errno, syscall, cause });
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
