/**
 * The devices that this process serves, so that none is left behind when it exits. Kept once a process, for the ESM and
 * the CommonJS copy of the package together.
 */
import { isMainThread } from 'node:worker_threads';
import { ForcedExit } from '../../base/forced-exit.js';
import type { RunningCopies } from '../memory/running-copies.js';
import type { ServerLibc } from '../server-libc.js';
import { removeMountPoint } from './mount-point.js';
import { mountsAt } from '../../base/mount-info.js';
import { unmountFileSync } from './mount.js';
import { type ProcFolder, removeProcFiles, removeProcFolder } from '../proc/proc-files.js';

/** ms that the end of the process waits for a copy; one of 64 KiB takes about 0.02. */
const COPY_LIMIT = 100;

export interface ServedMount {
  libc: ServerLibc;
  path: string;
  /** What mountinfo names as the source of this server's mount, and of no other's. */
  source: string;
  /** Of the texts beside the device, where there are any. */
  proc: ProcFolder | null;
  /** It was mounted: before that, texts in the folder are another server's. */
  mounted: boolean;
  /** Of /dev/fuse, while this process answers over it. */
  fd: number | null;
  /** Asks the device's thread to close the fd, or never to have one, and waits a moment until it has. Synchronous. */
  letGo: (() => boolean) | null;
  /** Those of the device's threads. */
  running: Pick<RunningCopies, 'over'>;
}

interface Registry {
  mounts: Set<ServedMount>;
  /** Those whose thread has not ended, also after they are forgotten. */
  threads: Set<ServedMount>;
  served: number;
}

const REGISTRY = Symbol.for('pool-ts.pooldev.mounts');

function registry(): Registry {
  const holder = globalThis as { [REGISTRY]?: Registry };
  const existing = holder[REGISTRY];
  if (existing !== undefined) return existing;
  const created: Registry = { mounts: new Set(), threads: new Set(), served: 0 };
  holder[REGISTRY] = created;
  const forced = new ForcedExit();
  const exit = (code: number): void => {
    created.mounts.forEach(cleanUp);
    const hanging = [...created.threads].find(({ running }) => !running.over(COPY_LIMIT));
    // In a worker of the program's, ending is that worker's affair and not the process's.
    if (hanging !== undefined && isMainThread) forced.now(code, exit, (last) => hanging.libc.exit(last));
  };
  process.on('exit', exit);
  forced.install();
  return created;
}

/** From before the mount until `forgetMount`, the exit of the process takes the mount away. */
export function rememberMount(libc: ServerLibc, path: string, running: ServedMount['running']): ServedMount {
  const { mounts, threads } = registry();
  const mount: ServedMount = {
    libc,
    path,
    source: `pool-ts-${process.pid}-${++registry().served}`,
    proc: null,
    mounted: false,
    fd: null,
    letGo: null,
    running,
  };
  mounts.add(mount);
  threads.add(mount);
  return mount;
}

/** Its thread has ended, or there is none: the end of the process waits for none. */
export function forgetThread(mount: ServedMount): void {
  registry().threads.delete(mount);
}

/** Takes the mount away if it is still there, and the file beneath it if pool-ts made it. */
export function forgetMount(mount: ServedMount): void {
  registry().mounts.delete(mount);
  cleanUp(mount);
}

function cleanUp(mount: ServedMount): void {
  const { libc, path, source } = mount;
  try {
    closeConnection(mount);
    // The thread may have mounted without having told yet.
    const isThere = mountsAt(path).at(-1)?.source === source;
    if (isThere) unmountFileSync(libc, path);
    removeMountPoint(path);
    if (mount.proc === null) return;
    if (mount.mounted || isThere) removeProcFiles(mount.proc);
    removeProcFolder(mount.proc);
  } catch {
    // At exit nothing is left to tell it to; the next start cleans up what stays.
  }
}

/**
 * Left open, callers would wait for a thread that is gone; one of them may be a thread of this process, which would then
 * never exit. The thread does it itself where it can: koffi aborts the process when its poll calls back into a thread
 * that is being ended.
 */
function closeConnection(mount: ServedMount): void {
  const { fd } = mount;
  mount.fd = null;
  // Asked also where no fd is known: the thread may be about to mount.
  const letGo = mount.letGo?.() ?? false;
  if (fd !== null && !letGo) mount.libc.close(fd);
}
