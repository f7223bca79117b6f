/**
 * The file that a device is mounted on. A mount needs a file to cover; where there is none, one is made, and it says in
 * its text what it is, so that a later server knows it for its own even after a crash, and people who meet it do too.
 */
import { readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { lstat, realpath, statfs } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { PoolError } from '../../base/errors.js';
import { Errno, systemError } from '../../base/errno.js';
import { type MountEntry, mountsAt } from '../../base/mount-info.js';
import { isAnswering } from './answering.js';

const MARKER = 'Mount point of a pool-ts device. No server is running.\n';

/** Stale mounts may lie on top of each other; more than this many is somebody's mistake. */
const MAX_STALE_MOUNTS = 16;

/** ms that a mounted server has to answer before it counts as alive but hung. */
const PROBE_MS = 1000;

/**
 * Makes `path` ready to be mounted on: takes away stale mounts, creates the file where there is none. Gives the name that
 * mountinfo will show: absolute, the folder's symbolic links resolved.
 * Rejects EBUSY where a device is served, EEXIST where something else is in the way, ENOENT where the folder is missing.
 */
export async function prepareMountPoint(path: string, unmount: (path: string) => Promise<void>): Promise<string> {
  const full = await resolveMountPoint(path);
  for (let rounds = 0; ; rounds++) {
    const top = mountsAt(full).at(-1);
    if (top === undefined) break;
    if (rounds === MAX_STALE_MOUNTS || !(await isStale(top))) throw busy(full, top);
    await unmount(full);
  }
  await claimFile(full);
  return full;
}

/** The name under which mountinfo would show a mount on `path`. */
export async function resolveMountPoint(path: string): Promise<string> {
  const absolute = resolve(path);
  try {
    return join(await realpath(dirname(absolute)), basename(absolute));
  } catch (cause) {
    const errno = (cause as NodeJS.ErrnoException).errno ?? -Errno.ENOENT;
    const sentence = `serve pool device ${absolute}: the folder ${dirname(absolute)} can't be used: create it first, or name another path`;
    throw systemError(-errno, 'realpath', sentence, cause);
  }
}

/**
 * Removes the file that pool-ts made, told by its text: what somebody else wrote stays. Synchronous, for process exit.
 * A file that is mounted over is left alone, and not even looked at: its server may hang.
 */
export function removeMountPoint(path: string): void {
  if (mountsAt(path).length > 0) return;
  try {
    if (readFileSync(path, 'utf8') === MARKER) unlinkSync(path);
  } catch {
    // Gone already.
  }
}

/** A FUSE mount without a server answers ENOTCONN; one whose server hangs does not answer at all and is no stale one. */
async function isStale(entry: MountEntry): Promise<boolean> {
  if (!/^fuse(\.|$)/.test(entry.type)) return false;
  if (!(await isAnswering(entry.path, PROBE_MS))) return false;
  try {
    // Not lstat: the kernel may answer that from what it remembers of the file, long after the server's death.
    await statfs(entry.path);
    return false;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOTCONN' || code === 'ECONNABORTED';
  }
}

function busy(path: string, entry: MountEntry): PoolError {
  const what =
    entry.type === 'fuse.pool-ts' ? `it is served already, by ${entry.source}` : `a ${entry.type} is mounted there`;
  return systemError(Errno.EBUSY, 'mount', `serve pool device ${path}: ${what}: end that first, or name another path`);
}

/** A new file, an empty one, or one that an earlier server made and left behind. */
async function claimFile(path: string): Promise<void> {
  try {
    writeFileSync(path, MARKER, { flag: 'wx', mode: 0o600 });
    return;
  } catch (cause) {
    const { code, errno } = cause as NodeJS.ErrnoException;
    if (code !== 'EEXIST') {
      throw systemError(
        -(errno ?? -Errno.EIO),
        'open',
        `serve pool device ${path}: no file can be made there (${code})`,
        cause,
      );
    }
  }
  const stat = await lstat(path);
  if (stat.isFile() && stat.size === 0) return;
  if (stat.isFile() && stat.size === MARKER.length && readFileSync(path, 'utf8') === MARKER) return;
  const what = stat.isCharacterDevice()
    ? 'a device of the kernel is there (is pool.ko loaded?)'
    : 'something that is no empty file is there';
  throw systemError(Errno.EEXIST, 'open', `serve pool device ${path}: ${what}: name another path`);
}
