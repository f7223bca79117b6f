/**
 * The texts of /proc/pool as plain files in a folder, for programs that watch a node there. /proc itself can't be extended
 * by a program. Files and not a second mount: they can be read, copied and bind-mounted where no mount can be made, they
 * never make a reader wait for the server, and a server that is stopped or killed leaves them readable.
 */
import { chmodSync, mkdirSync, readFileSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { access, open, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Errno, systemError } from '../../base/errno.js';
import { PROC_TEXTS, type ProcState } from './proc-texts.js';

/** ms between two looks; a file whose text is the same is not written. */
const INTERVAL = 1000;

/** How each of the texts begins; what begins otherwise is somebody else's file. */
const BEGINNING = /^(POOL Protocol v|IDX )/;

const temporary = (folder: string, name: string): string => join(folder, `.${name}.pool-ts`);

export interface ProcFolder {
  /** Absolute. */
  path: string;
  /** It was not there before. */
  made: boolean;
}

/**
 * Makes the folder where there is none, for whoever may read texts of this `mode`. Throws EEXIST where it holds a file of that
 * name which is none of ours, or what making it gives: ENOENT, EACCES, ENOTDIR...
 */
export function prepareProcFolder(path: string, mode: number): ProcFolder {
  const folder = resolve(path);
  try {
    mkdirSync(folder);
    const readers = mode & 0o044;
    // Beside what the umask leaves: to read and to enter.
    if (readers !== 0) chmodSync(folder, (statSync(folder).mode & 0o777) | readers | (readers >> 2));
    return { path: folder, made: true };
  } catch (cause) {
    const { code, errno = -Errno.EIO } = cause as NodeJS.ErrnoException;
    if (code !== 'EEXIST') {
      throw systemError(
        -errno,
        'mkdir',
        `serve pool device: the folder ${folder} of its texts can't be made (${code})`,
        cause,
      );
    }
  }
  for (const name of Object.keys(PROC_TEXTS)) {
    if (BEGINNING.test(textOf(folder, name) ?? 'IDX ')) continue;
    const sentence = `serve pool device: ${join(folder, name)} is there and is none of a device: name another folder`;
    throw systemError(Errno.EEXIST, 'open', sentence);
  }
  return { path: folder, made: false };
}

/** Takes the texts away. Synchronous, for process exit. */
export function removeProcFiles({ path: folder }: ProcFolder): void {
  for (const name of Object.keys(PROC_TEXTS)) {
    rmSync(temporary(folder, name), { force: true });
    if (BEGINNING.test(textOf(folder, name) ?? '')) rmSync(join(folder, name), { force: true });
  }
}

/** Takes the folder away if it was made for the texts and holds nothing. Synchronous, for process exit. */
export function removeProcFolder({ path: folder, made }: ProcFolder): void {
  if (!made) return;
  try {
    rmdirSync(folder);
  } catch {
    // Something else is in it: it stays.
  }
}

export interface ProcFilesOptions {
  folder: string;
  /** Permissions of the files, as chmod has them. */
  mode: number;
  state(): ProcState;
  /** A file could not be written; told once. */
  failed: (error: Error) => void;
}

/**
 * Keeps the files up to date until `stop`, whole at any time. One that somebody took away, such as an earlier server as it
 * ended, is made again.
 */
export function keepProcFiles(options: ProcFilesOptions): { stop(): void } {
  const { folder, mode, failed } = options;
  const written = new Map<string, string>();
  let writing = false;
  let told = false;

  const update = async (): Promise<void> => {
    const state = options.state();
    for (const [name, textFor] of Object.entries(PROC_TEXTS)) {
      const text = textFor(state);
      if (written.get(name) === text && (await isThere(join(folder, name)))) continue;
      await writeNew(temporary(folder, name), text, mode);
      await rename(temporary(folder, name), join(folder, name));
      written.set(name, text);
    }
  };
  const turn = (): void => {
    if (writing) return;
    writing = true;
    update()
      .catch((error: unknown) => {
        written.clear();
        if (!told) failed(error as Error);
        told = true;
      })
      .finally(() => {
        writing = false;
      });
  };
  turn();
  const timer = setInterval(turn, INTERVAL).unref();
  return { stop: () => clearInterval(timer) };
}

/** In place of whatever is there: one that a killed server left can't be written to, and a link leads elsewhere. */
async function writeNew(path: string, text: string, mode: number): Promise<void> {
  await rm(path, { force: true });
  const file = await open(path, 'wx', mode);
  try {
    // Whatever the umask takes away: they are as readable as the device.
    await file.chmod(mode);
    await file.writeFile(text);
  } finally {
    await file.close();
  }
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function textOf(folder: string, name: string): string | null {
  try {
    return readFileSync(join(folder, name), 'latin1');
  } catch {
    return null;
  }
}
