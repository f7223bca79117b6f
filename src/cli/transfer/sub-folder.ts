/**
 * The folder that a file goes to, below the one that a receiver was given, or that it comes from, below one that is sent. The
 * name of what arrives comes from a stranger, and who else may write there is unknown: a link in the place of a folder, planted
 * before or between the files, must lead nowhere. So each folder is opened from the handle of the one above it, without following
 * links. Node has no openat; on Linux /proc/self/fd/N is the open folder itself, whatever has its name meanwhile. Elsewhere each
 * is looked at before it is used.
 */
import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TransferFailure } from './failure.js';
import { syncFolder } from './partial-file.js';

/** A folder to work in. */
export interface SubFolder {
  /** Names of files are joined to it. It is good until `close`. */
  path: string;
  close(): Promise<void>;
}

/** What becomes of a folder that is not there: it is made, as far as the umask lets, or the system's error is told. */
type Missing = 'made' | 'told';

/**
 * Opens the folder of `names` below `root`. Each name has to be a plain one. Rejects with a TransferFailure `exists` where
 * something that is no folder has one of the names.
 */
export async function openSubFolder(
  root: string,
  names: readonly string[],
  missing: Missing = 'made',
): Promise<SubFolder> {
  if (names.length === 0) return { path: root, close: () => Promise.resolve() };
  const handle = await openRoot(root);
  const path = handle === null ? null : await pathOf(handle);
  if (handle !== null && path !== null) return descend(handle, path, names, missing);
  await handle?.close();
  return lookAndUse(root, names, missing);
}

/** Null where a folder can't be opened: on Windows, and where it may be written and not read. */
async function openRoot(root: string): Promise<FileHandle | null> {
  if (process.platform === 'win32') return null;
  try {
    return await open(root, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return null;
    throw error;
  }
}

/** The path that is the open folder itself. Null where there is none: the descriptors of Deno are not the system's. */
async function pathOf(handle: FileHandle): Promise<string | null> {
  const path = `/proc/self/fd/${handle.fd}`;
  try {
    const [own, there] = await Promise.all([handle.stat({ bigint: true }), stat(path, { bigint: true })]);
    return own.dev === there.dev && own.ino === there.ino ? path : null;
  } catch {
    return null;
  }
}

async function descend(
  root: FileHandle,
  rootPath: string,
  names: readonly string[],
  missing: Missing,
): Promise<SubFolder> {
  let above = root;
  let path = rootPath;
  try {
    for (const name of names) {
      if (missing === 'made') await make(path, name);
      const handle = await openFolder(join(path, name));
      await above.close();
      above = handle;
      path = `/proc/self/fd/${handle.fd}`;
    }
  } catch (error) {
    await above.close();
    throw error;
  }
  const last = above;
  return { path, close: () => last.close() };
}

async function lookAndUse(root: string, names: readonly string[], missing: Missing): Promise<SubFolder> {
  let path = root;
  for (const name of names) {
    if (missing === 'made') await make(path, name);
    path = join(path, name);
    if (!(await lstat(path)).isDirectory()) throw noFolder();
  }
  return { path, close: () => Promise.resolve() };
}

/** Makes the folder where nothing has its name yet. */
async function make(above: string, name: string): Promise<void> {
  try {
    await mkdir(join(above, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
    throw error;
  }
  await syncFolder(above);
}

async function openFolder(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw code === 'ELOOP' || code === 'ENOTDIR' ? noFolder(error) : error;
  }
}

function noFolder(cause?: unknown): TransferFailure {
  return new TransferFailure('exists', 'a link, a file or something else has the name of one of its folders', {
    cause,
  });
}
