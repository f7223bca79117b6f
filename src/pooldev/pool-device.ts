/** A device file for programs written for /dev/pool, served from user space. */
import { Worker } from 'node:worker_threads';
import { keepName } from '../base/own-properties.js';
import { messageOf, PoolError } from '../base/errors.js';
import { LoadGate } from '../base/load-gate.js';
import { Errno, systemError } from '../base/errno.js';
import { loadServerLibc } from './server-libc.js';
import { MountGate } from './mount/mount-gate.js';
import { resolveMountPoint } from './mount/mount-point.js';
import { checkDeviceOptions, checkDevicePath, defaultDevicePath, type PoolDeviceOptions } from './options.js';
import { prepareProcFolder } from './proc/proc-files.js';
import { RunningCopies } from './memory/running-copies.js';
import { forgetMount, forgetThread, rememberMount, type ServedMount } from './mount/served-mounts.js';
import { findServerFile } from './worker-file.js';
import { type DeviceCommand, type DeviceMessage, type DeviceRole, fromMessage } from './worker-messages.js';

/** ms after which a device's thread that does not end is ended. */
const CLOSE_LIMIT = 5000;

/** ms that the exit of the process waits for the device's thread to let go. */
const LET_GO_LIMIT = 200;

/** ms that it waits, and that anybody else waits between two looks, for threads that load koffi. */
const LOAD_LIMIT = 2000;
const LOAD_POLL = 10;

/** How a device ended; `error` where nobody asked for it. */
export interface PoolDeviceEnd {
  error?: PoolError;
}

/**
 * A POOL node of its own behind a device file: programs in C, in Go and in TypeScript open it and make the ioctls of
 * pool.h, as on the kernel module's. It runs in a thread of its own, so the program that serves it may use it too.
 * While it is open it keeps the process alive, unless `unref` is called; it is unmounted when the process exits.
 */
export class PoolDevice implements AsyncDisposable {
  /** The device file, absolute. */
  readonly path: string;
  /** Always fulfils: after `close`, or when the mount was taken away or the thread failed. */
  readonly closed: Promise<PoolDeviceEnd>;
  readonly #worker: Worker;
  readonly #mount: ServedMount;
  readonly #end: () => void;
  #closeAsked = false;

  static {
    keepName(this, 'PoolDevice');
  }

  private constructor(mount: ServedMount, worker: Worker, { closed, end }: DeviceThread) {
    this.path = mount.path;
    this.#mount = mount;
    this.#worker = worker;
    this.#end = end;
    this.closed = closed;
  }

  /**
   * Mounts a device file and serves it. `path` defaults to /dev/pool for root, to $XDG_RUNTIME_DIR/pool for others; the
   * file is created where there is none, and removed at the end.
   *
   * Rejects ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE or ERR_POOL_INVALID_ADDRESS for bad arguments;
   * EBUSY where a device is served already, EEXIST where another file is in the way, of the device or in `proc`, ENOENT where the folder or
   * /dev/fuse is missing; EPERM, EACCES where this user may not mount or may not read other programs' memory; EAGAIN where the
   * system has no thread for it.
   */
  static async serve(path?: string, options: PoolDeviceOptions = {}): Promise<PoolDevice> {
    const asked = path === undefined ? defaultDevicePath() : checkDevicePath(path);
    const checked = checkDeviceOptions(options);
    if (process.platform !== 'linux') {
      throw systemError(Errno.ENOSYS, 'mount', `serve pool device ${asked}: FUSE as it is used here is Linux's alone`);
    }
    const workerFile = findServerFile(options.worker);
    const libc = await loadServerLibc();
    const mountPoint = await resolveMountPoint(asked);
    const proc = checked.proc === null ? null : prepareProcFolder(checked.proc, checked.mode);
    const [gate, loads, running] = [new MountGate(), new LoadGate(), new RunningCopies()];
    const mount = rememberMount(libc, mountPoint, running);
    mount.proc = proc;
    const workerData: DeviceRole = {
      role: 'pool-ts device',
      path: mount.path,
      source: mount.source,
      options: { ...checked, proc: proc?.path ?? null },
      workerFile,
      gate: gate.shared,
      loads: loads.shared,
      running: running.shared,
    };
    const worker = startThread(mount, workerFile, workerData);
    mount.letGo = () => letGo(worker, gate, loads);
    const thread = watch(worker, mount, gate, loads);
    await thread.mounted;
    return new PoolDevice(mount, worker, thread);
  }

  /**
   * Unmounts, closes the node's sessions and its listener, and ends the thread. Calls that wait get ECONNABORTED. A thread that
   * hangs in a program's memory is left to itself, and keeps the process from nothing.
   * Idempotent; never rejects.
   */
  async close(): Promise<void> {
    if (!this.#closeAsked) {
      this.#closeAsked = true;
      const command: DeviceCommand = { type: 'close' };
      this.#worker.postMessage(command);
      const limit = setTimeout(() => {
        this.#mount.letGo?.();
        this.#end();
      }, CLOSE_LIMIT);
      void this.closed.then(() => clearTimeout(limit));
    }
    await this.closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Keeps the process alive, as it does from the start. */
  ref(): this {
    this.#worker.ref();
    return this;
  }

  /** Lets the process end; the device is unmounted then. */
  unref(): this {
    this.#worker.unref();
    return this;
  }
}

function startThread(mount: ServedMount, file: string, workerData: DeviceRole): Worker {
  try {
    return new Worker(file, { workerData, execArgv: [] });
  } catch (cause) {
    // The system has no thread to give (pids.max, RLIMIT_NPROC).
    forgetMount(mount);
    forgetThread(mount);
    const sentence = `serve pool device ${mount.path}: its thread can't be started (${messageOf(cause)})`;
    throw systemError(Errno.EAGAIN, 'worker', sentence, cause);
  }
}

/** True where the thread has no connection any more, and will have none. Blocks for a moment: at exit there is no later. */
function letGo(worker: Worker, gate: MountGate, loads: LoadGate): boolean {
  const never = gate.shut();
  loads.shut(LOAD_LIMIT);
  if (never) return true;
  const command: DeviceCommand = { type: 'let go' };
  worker.postMessage(command);
  return gate.released(LET_GO_LIMIT);
}

interface DeviceThread {
  mounted: Promise<void>;
  closed: Promise<PoolDeviceEnd>;
  /** Ends the thread, and those that copy for it. */
  end: () => void;
}

/** What the device's thread tells, and what is left to do when it ends in whatever way. */
function watch(worker: Worker, mount: ServedMount, gate: MountGate, loads: LoadGate): DeviceThread {
  let outcome: PoolDeviceEnd = {};
  let settle: { mounted: () => void; failed: (error: PoolError) => void };
  const mounted = new Promise<void>((resolve, reject) => {
    settle = { mounted: resolve, failed: reject };
  });
  let tellClosed: (end: PoolDeviceEnd) => void;
  const closed = new Promise<PoolDeviceEnd>((resolve) => (tellClosed = resolve));
  let isOver = false;
  const over = (): void => {
    if (isOver) return;
    isOver = true;
    // It closes its fd where it can, also as it fails. A second time it would be somebody else's by now.
    mount.letGo = () => gate.released(0);
    forgetMount(mount);
    settle.failed(outcome.error ?? new PoolError('EIO', `serve pool device ${mount.path}: its thread ended`));
    tellClosed(outcome);
  };
  /** Nobody can end a thread that is inside a copy, nor one that has started it. It ends once the copy does, or with the process. */
  const abandon = (): void => {
    worker.unref();
    // It is the thread's own, which may come back to it.
    mount.fd = null;
    over();
  };
  const end = (): void => {
    // A thread that loads koffi would take the process with it.
    if (!loads.shut(0)) setTimeout(end, LOAD_POLL);
    else if (mount.running.over(0)) void worker.terminate();
    else abandon();
  };
  worker.on('message', (message: DeviceMessage) => {
    switch (message.type) {
      case 'mounted':
        mount.mounted = true;
        mount.fd = message.fd;
        settle.mounted();
        return;
      case 'warning':
        process.emitWarning(message.text, { type: 'PoolDeviceWarning', code: message.code });
        return;
      case 'failed':
        settle.failed(fromMessage(message.error));
        end();
        return;
      case 'closed':
        mount.fd = null;
        if (message.error !== undefined) outcome = { error: fromMessage(message.error) };
        end();
    }
  });
  worker.on('error', (cause) => {
    outcome = {
      error: new PoolError('EIO', `pool device ${mount.path}: its thread failed (${cause.message})`, { cause }),
    };
    // Its end waits for the threads that it has started.
    if (!mount.running.over(0)) abandon();
  });
  worker.once('exit', () => {
    forgetThread(mount);
    over();
  });
  return { mounted, closed, end };
}
