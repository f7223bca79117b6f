/** Mounting one file over FUSE: mount(2) where this process may, else fusermount3, which may for everybody. */
import { spawn, spawnSync } from 'node:child_process';
import { constants as fs } from 'node:fs';
import { PoolError } from '../../base/errors.js';
import { Errno, errnoName, systemError } from '../../base/errno.js';
import {
  F_SETFL,
  type ServerLibc,
  MNT_DETACH,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  O_NONBLOCK,
  UMOUNT_NOFOLLOW,
} from '../server-libc.js';
import { O_CLOEXEC, O_RDWR } from '../../poolioc/libc.js';
import { receiveFd } from './received-fd.js';

export interface MountOptions {
  /** An absolute path, of a regular file. */
  path: string;
  /** What mount(8) shows as the device; names the server. */
  source: string;
  allowOther: boolean;
}

/** root mounts by itself; anybody else through the setuid helper of the fuse3 package. */
const mountsDirectly = (): boolean => process.geteuid?.() === 0;

/** Mounts and returns the non-blocking fd over which the kernel talks to the server. */
export function mountFile(libc: ServerLibc, options: MountOptions): Promise<number> {
  return mountsDirectly() ? Promise.resolve(mountAsRoot(libc, options)) : mountAsUser(libc, options);
}

function mountAsRoot(libc: ServerLibc, { path, source, allowOther }: MountOptions): number {
  const fd = libc.open('/dev/fuse', O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    throw systemError(
      -fd,
      'open',
      `serve pool device ${path}: /dev/fuse can't be opened (${errnoName(-fd)}): load the module fuse, or give the container the device`,
    );
  // The kernel keeps of rootmode only the file type; permissions come with GETATTR.
  const data = [
    `fd=${fd}`,
    `rootmode=${fs.S_IFREG.toString(8)}`,
    `user_id=${process.getuid?.() ?? 0}`,
    `group_id=${process.getgid?.() ?? 0}`,
    'default_permissions',
    ...(allowOther ? ['allow_other'] : []),
  ].join(',');
  const ret = libc.mount(source, path, 'fuse.pool-ts', MS_NOSUID | MS_NODEV | MS_NOEXEC, data);
  if (ret < 0) {
    libc.close(fd);
    throw systemError(
      -ret,
      'mount',
      `serve pool device ${path}: mount failed (${errnoName(-ret)}): it needs CAP_SYS_ADMIN, which containers often lack`,
    );
  }
  return fd;
}

/** fusermount3 opens /dev/fuse, mounts, and hands the fd over a Unix socket that it inherits (fuse's own protocol). */
async function mountAsUser(libc: ServerLibc, { path, source, allowOther }: MountOptions): Promise<number> {
  const pair = new Int32Array(2);
  const ret = libc.socketpair(pair);
  if (ret < 0) throw systemError(-ret, 'socketpair', `serve pool device ${path}: no socket pair (${errnoName(-ret)})`);
  const [ours, theirs] = pair as unknown as [number, number];
  const options = [`fsname=${source}`, 'subtype=pool-ts', 'default_permissions', 'nosuid', 'nodev', 'noexec'];
  if (allowOther) options.push('allow_other');
  try {
    const complaint = await run('fusermount3', ['-o', options.join(','), '--', path], theirs);
    if (complaint !== null)
      throw new PoolError('EPERM', `serve pool device ${path}: ${complaint}`, { syscall: 'mount' });
    const fd = receiveFd(libc, ours);
    if (fd < 0)
      throw systemError(-fd, 'recvmsg', `serve pool device ${path}: fusermount3 handed over no fd (${errnoName(-fd)})`);
    libc.fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
  } finally {
    libc.close(ours);
    libc.close(theirs);
  }
}

const UNMOUNT = (path: string): string[] => ['-u', '-z', '--', path];

/** Null where the program ended well, else what it had to say. Its fd 3 is `fd`. */
function run(program: string, args: readonly string[], fd?: number): Promise<string | null> {
  return new Promise((settle) => {
    const env = fd === undefined ? process.env : { ...process.env, _FUSE_COMMFD: '3' };
    const child = spawn(program, args, { env, stdio: ['ignore', 'ignore', 'pipe', ...(fd === undefined ? [] : [fd])] });
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.once('error', (error: NodeJS.ErrnoException) =>
      settle(
        error.code === 'ENOENT'
          ? `${program} is not installed: install the package fuse3, or serve as root`
          : `${program} can't be run (${error.message})`,
      ),
    );
    child.once('close', (code) => settle(code === 0 ? null : said.trim() || `${program} ended with ${code}`));
  });
}

/** Takes the mount away at once; open files stay usable until their server ends. 0, or a negative errno. */
export async function unmountFile(libc: ServerLibc, path: string): Promise<number> {
  if (mountsDirectly()) return libc.umount(path, MNT_DETACH | UMOUNT_NOFOLLOW);
  return (await run('fusermount3', UNMOUNT(path))) === null ? 0 : -Errno.EPERM;
}

/** As unmountFile, for the exit of the process. */
export function unmountFileSync(libc: ServerLibc, path: string): number {
  if (mountsDirectly()) return libc.umount(path, MNT_DETACH | UMOUNT_NOFOLLOW);
  const { status, error } = spawnSync('fusermount3', UNMOUNT(path), { stdio: 'ignore' });
  return error === undefined && status === 0 ? 0 : -Errno.EPERM;
}
