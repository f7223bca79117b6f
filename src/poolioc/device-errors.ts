/** From errno to PoolError: a sentence that names the operation, the device and the reason, and says what to do. */
import { errnoName } from '../base/errno.js';
import { PoolError } from '../base/errors.js';

export interface FailedCall {
  /** As in "connect to 10.0.0.1:9253". */
  operation: string;
  path: string;
  syscall: 'open' | 'ioctl' | 'close';
  errno: number;
  address?: string | undefined;
  port?: number | undefined;
}

/** Of open. */
const OPEN: Record<string, (path: string) => string> = {
  ENOENT: (path) =>
    `there is no ${path}; load the kernel module (modprobe pool), serve a device (npx pool-ts device), or use backend 'user'`,
  EACCES: (path) =>
    `no permission to open ${path}, which is made 0600 root; let a udev rule give it to a group (npx pool-ts doctor has it), or run as root`,
  EPERM: (path) => `opening ${path} is forbidden here, by a container's device list or a security module`,
  EISDIR: (path) => `${path} is a folder, not a device`,
  ENXIO: (path) => `no driver stands behind ${path}; load the kernel module (modprobe pool)`,
  ENODEV: (path) => `no driver stands behind ${path}; load the kernel module (modprobe pool)`,
  ENOTCONN: (path) => `the program that served ${path} has ended; unmount it (fusermount3 -u ${path})`,
};

/** Of any request. */
const REQUEST: Record<string, (path: string) => string> = {
  ENOTTY: (path) =>
    `${path} is no POOL device: it doesn't know the request (a plain file, or another driver's device?)`,
  ENOTCONN: () => 'the session is not connected, or the program that served the device has ended',
  ECONNABORTED: () => 'the program that served the device has ended',
  ENOENT: () => 'the slot is not in use',
  EADDRINUSE: () => 'the address is already in use',
  EAFNOSUPPORT: () => 'IPv6 is disabled, and the module listens on :: only',
  ECONNREFUSED: () => 'connection refused',
  EINPROGRESS: () => 'timed out: the host does not answer',
  ETIMEDOUT: () => 'timed out',
  EAGAIN: () => 'nothing for this request right now',
  ENETUNREACH: () => 'network unreachable',
  EHOSTUNREACH: () => 'host unreachable',
  ENOSPC: () => 'all sessions of the device are in use',
  EMSGSIZE: () => 'the buffer is smaller than the message, which stays in the queue; try with 65535 bytes',
  ECONNRESET: () => 'the peer closed the session',
  EPIPE: () => 'the connection to the peer broke',
  EINTR: () => 'interrupted',
  EINVAL: () => 'refused as invalid',
  EBADMSG: () => 'authentication or decryption failed',
  EACCES: () => 'the puzzle or the proof was not accepted',
  ESRCH: () => 'its receiver thread has ended, and closing it then would crash the kernel; the call was not made',
  EPROTO: () => 'the peer sent a packet that does not belong there',
};

/** Of CLOSE_SESS on the module, where more is looked at than the device does (kernel contract, hazard 2). */
const CLOSE: typeof REQUEST = {
  EAGAIN: () => 'whether that is safe could not be looked for (descriptors, memory); the call was not made; try again',
  EBUSY: () => 'others close sessions, and hold the lock on the device file; the call was not made; try again',
};

/** The low level keeps errno names as codes, but for two that have a name of ours. */
export function callError({ operation, path, syscall, errno, address, port }: FailedCall): PoolError {
  const name = errnoName(errno);
  const closing = operation.startsWith('close session') ? CLOSE[name] : undefined;
  const reason = (syscall === 'open' ? OPEN[name] : (closing ?? REQUEST[name]))?.(path);
  const sentence = reason === undefined ? name : `${reason} (${name})`;
  // Some reasons name the device themselves; once is enough.
  const where = sentence.includes(path) ? operation : `${operation} on ${path}`;
  return new PoolError(codeOf(operation, name), `${where}: ${sentence}`, {
    errno,
    syscall,
    address,
    port,
  });
}

function codeOf(operation: string, name: string): string {
  if (name === 'ENOSPC' && operation.startsWith('connect')) return 'ERR_POOL_SESSION_FULL';
  if (name === 'EMSGSIZE' && operation.startsWith('receive')) return 'ERR_POOL_MESSAGE_TOO_LARGE';
  return name;
}

export function closedError(operation: string, path: string): PoolError {
  return new PoolError('ERR_POOL_CLOSED', `${operation} on ${path}: the device was closed by this program`);
}

export function timeoutError(operation: string, path: string, timeout: number): PoolError {
  return new PoolError('ERR_POOL_TIMEOUT', `${operation} on ${path}: no result within ${timeout} ms`);
}
