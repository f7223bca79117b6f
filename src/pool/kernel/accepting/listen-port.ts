/**
 * Opening the module's one listener, which belongs to the machine: a daemon may have it open, and each needless LISTEN
 * costs a kernel thread until reboot (kernel contract, section 2).
 */
import { type AddressInfo, createServer } from 'node:net';
import { PoolError } from '../../../base/errors.js';
import type { KernelDevice } from '../calls/device.js';
import { errnoNameIn, errnoIn } from '../calls/call-errors.js';
import { parseModuleStatus } from '../../../base/module-status.js';
import type { ProcFiles } from '../../../poolioc/closing/kernel-thread.js';
import { readTcpTable } from '../table/tcp-table.js';

export interface OpenPort {
  port: number;
  /** Whether this process opened it, and so is the one to stop it. */
  own: boolean;
}

export interface ListenPortOptions {
  device: Pick<KernelDevice, 'listen'>;
  proc: ProcFiles;
  /** The module's device; false for one that is served from user space, which has no /proc/pool. */
  module: boolean;
  findPort?: (() => Promise<number>) | undefined;
}

/** A port found free may be taken by the time that LISTEN asks for it. */
const PORT_TRIES = 10;

/** Opens `port`, 0 for any. Rejects EADDRINUSE when another port is open, and says which. */
export async function openPort(port: number, options: ListenPortOptions): Promise<OpenPort> {
  const { proc, module } = options;
  if (!module) {
    const before = port !== 0 && readTcpTable(proc).listening.has(port);
    // LISTEN on a port that is open gives 0 only where the device itself has opened it.
    return { ...(await listenOnce(port, options)), own: !before };
  }
  const status = parseModuleStatus(proc.read('pool/status'));
  if (status === null) {
    throw new PoolError(
      'ENOENT',
      "/proc/pool/status can't be read, and without it LISTEN is not safe: each needless one leaks a kernel thread; " +
        'run where /proc shows the module',
      { syscall: 'listen' },
    );
  }
  if (!status.listening) return { ...(await listenOnce(port, options)), own: true };
  // The module would answer 0 to any port now, and open none.
  if (port === 0 || status.port === port) return { port: status.port, own: false };
  throw new PoolError(
    'EADDRINUSE',
    `the module listens on port ${status.port} already, and it has one listener for the whole machine`,
    { syscall: 'listen', port },
  );
}

async function listenOnce(port: number, options: ListenPortOptions): Promise<{ port: number }> {
  const { device, findPort = findFreePort } = options;
  for (let tries = 1; ; tries += 1) {
    // LISTEN of port 0 opens a port that can't be learned.
    const asked = port === 0 ? await findPort() : port;
    try {
      await device.listen(asked);
      return { port: asked };
    } catch (cause) {
      const name = errnoNameIn(cause);
      if (name === 'EADDRINUSE' && port === 0 && tries < PORT_TRIES) continue;
      const reason = name === 'EADDRINUSE' ? inUse(asked, options) : `LISTEN failed with ${name || String(cause)}`;
      throw new PoolError(name || 'EIO', reason, { errno: errnoIn(cause), syscall: 'listen', port: asked, cause });
    }
  }
}

/** A served device says EADDRINUSE of a port that is free, too: its one listener is on another. */
function inUse(port: number, { proc, module }: ListenPortOptions): string {
  if (module || readTcpTable(proc).listening.has(port)) return `port ${port} is in use`;
  return (
    `the device listens on another port already, and it has one listener: end the program that opened it, or call STOP ` +
    'where that program was killed'
  );
}

/**
 * A TCP port that nobody uses at the moment.
 * @throws (rejects) PoolError with the errno's name where the system gives none, or doesn't tell which
 */
export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    const failed = (cause: NodeJS.ErrnoException): void => {
      const { code = 'EIO', errno, message } = cause;
      reject(new PoolError(code, `no free port was found: ${message}`, { errno, syscall: 'listen', cause }));
    };
    server.once('error', failed);
    server.listen(0, () => {
      let port = 0;
      try {
        ({ port } = server.address() as AddressInfo);
      } catch (error) {
        failed(error as NodeJS.ErrnoException);
      }
      server.close(() => resolve(port));
    });
  });
}
