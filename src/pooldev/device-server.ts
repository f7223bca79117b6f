/** A device at work: node, requests, copying threads, mount and connection put together, and taken apart in order. */
import type { PoolNode } from '../poolnode/types.js';
import { CallerPins, threadGroup } from './memory/caller.js';
import { callerMemory } from './memory/caller-memory.js';
import { CopyPool, type StartCopyThread } from './memory/copy-pool.js';
import { DeviceFile } from './fuse/device-file.js';
import { DeviceRequests } from './requests/device-requests.js';
import { Errno, systemError } from '../base/errno.js';
import { DirectCopy } from './memory/direct-copy.js';
import { ProgramMemories } from './memory/program-memory.js';
import type { RingLibc } from '../poolioc/rings/ring-libc.js';
import { connectFuse, type FuseConnection } from './fuse/connection.js';
import type { ServerLibc } from './server-libc.js';
import { memoryAccessWarning, memoryRefusedWarning, requireMemoryCalls } from './memory/memory-access.js';
import { mountFile, unmountFile } from './mount/mount.js';
import { prepareMountPoint, removeMountPoint } from './mount/mount-point.js';
import { mountsAt } from '../base/mount-info.js';
import { type CheckedOptions, modeWarning } from './options.js';
import { readPendingSignals } from './requests/pending-signals.js';
import { keepProcFiles } from './proc/proc-files.js';
import type { PoolError } from '../base/errors.js';
import { orLate } from '../base/timers.js';

/** ms that closing waits for peers which do not read. */
const CLOSE_PATIENCE = 1000;

export interface DeviceServerDeps {
  libc: ServerLibc;
  ringLibc: RingLibc;
  /** A node that retains ended sessions, and asks for one of them when its table is full. */
  createNode(reclaim: () => (() => void) | null): PoolNode;
  startCopyThread: StartCopyThread;
  path: string;
  /** Shown by mount(8); names this server among others. */
  source: string;
  options: CheckedOptions;
  warn: (code: string, text: string) => void;
  /** Asked right before mounting: false, nothing may be mounted any more. */
  mayMount(): boolean;
  /** Asked when it is mounted: true, nobody wants it any more. */
  abandoned(): boolean;
  /** The fd of /dev/fuse is closed, or was never had. Only after `mayMount` was true. */
  disconnected(): void;
  /** The mount was taken away by somebody else; everything is closed. */
  ended(error: PoolError): void;
}

export interface DeviceServer {
  readonly path: string;
  readonly fd: number;
  close(): Promise<void>;
  /** Closes the connection at once and nothing else: callers get ECONNABORTED. For the exit of the process. */
  disconnect(): void;
}

export async function serveDevice(deps: DeviceServerDeps): Promise<DeviceServer> {
  const { libc, source, options, warn } = deps;
  requireMemoryCalls(libc);
  const warning = memoryAccessWarning();
  if (warning !== null) warn('POOL_DEVICE_MEMORY', warning);
  const odd = modeWarning(options);
  if (odd !== null) warn('POOL_DEVICE_MODE', odd);

  const path = await prepareMountPoint(deps.path, async (stale) => {
    const errno = -(await unmountFile(libc, stale));
    if (errno !== 0)
      throw systemError(errno, 'umount', `serve pool device ${stale}: a stale mount is there and can't be taken away`);
  });
  const copies = new CopyPool(deps.startCopyThread);
  await copies.ready;
  const pins = new CallerPins(libc);

  const uid = process.geteuid?.() ?? 0;
  let refusals = 0;
  const requests: DeviceRequests = new DeviceRequests({
    node: deps.createNode(() => requests.reclaimable()),
    memory: callerMemory(copies, pins, new DirectCopy({ libc, uid })),
    programs: new ProgramMemories({ libc: deps.ringLibc, uid }),
    host: options.host,
    strictModule: options.strictModule,
    memoryRefused: () => {
      if (refusals++ === 0) warn('POOL_DEVICE_MEMORY', memoryRefusedWarning());
    },
  });
  const file = new DeviceFile({
    uid,
    gid: process.getegid?.() ?? 0,
    mode: options.mode,
    allowOther: options.allowOther,
    send: (reply) => connection?.send(reply),
    handle: (call) => requests.handle(call),
    processOf: threadGroup,
    signals: readPendingSignals,
  });
  let connection: FuseConnection | null = null;
  let texts: ReturnType<typeof keepProcFiles> | null = null;
  let closing: Promise<void> | null = null;

  const disconnect = (): void => {
    requests.releaseRings();
    copies.stop();
    connection?.close();
    deps.disconnected();
  };

  const takeApart = async (): Promise<void> => {
    texts?.stop();
    const closed = orLate(CLOSE_PATIENCE, requests.close(), undefined);
    // Not before: a program that has its answer may have given its buffer's memory to something else.
    await copies.quiet();
    file.abort(Errno.ECONNABORTED);
    await closed;
    disconnect();
    copies.close();
    pins.close();
  };

  const mount = async (): Promise<number> => {
    if (!deps.mayMount()) {
      // Made after the program's exit hooks had looked.
      removeMountPoint(path);
      throw ending(path);
    }
    try {
      const mounted = await mountFile(libc, { path, source, allowOther: options.allowOther });
      if (!deps.abandoned()) return mounted;
      libc.close(mounted);
    } catch (error) {
      deps.disconnected();
      throw error;
    }
    deps.disconnected();
    throw ending(path);
  };
  const fd = await mount().catch((error: unknown) => {
    copies.close();
    throw error;
  });
  connection = connectFuse({
    libc,
    fd,
    request: (bytes) => file.request(bytes),
    ended: (errno) => {
      if (closing !== null) return;
      closing = takeApart().then(() =>
        deps.ended(systemError(errno, 'read', `pool device ${path}: its mount was taken away by somebody else`)),
      );
    },
  });
  if (options.proc !== null) {
    texts = keepProcFiles({
      folder: options.proc,
      mode: options.mode & 0o444,
      state: () => requests.state(),
      failed: ({ message }) => warn('POOL_DEVICE_PROC', `the texts beside the device can't be written: ${message}`),
    });
  }
  return {
    path,
    fd,
    disconnect,
    close: () =>
      (closing ??= (async () => {
        // First the name, so that nobody opens what is about to end. Somebody may have mounted over it: that stays.
        if (mountsAt(path).at(-1)?.source === source) await unmountFile(libc, path);
        await takeApart();
      })()),
  };
}

function ending(path: string): PoolError {
  return systemError(Errno.ECONNABORTED, 'mount', `serve pool device ${path}: the program is ending`);
}
