/** From the node's errors to what the module's calls return (kernel contract, section 2). */
import { PoolError } from '../../base/errors.js';
import { Errno } from '../../base/errno.js';

const CODES: Record<string, number> = {
  ERR_POOL_SESSION_FULL: Errno.ENOSPC,
  // The module says EBADMSG for some of these; a caller takes that for a collision of two handshakes on one machine
  // (hazard 7) and tries again, which is no use here.
  ERR_POOL_AUTH_FAILED: Errno.EACCES,
  ERR_POOL_PROTOCOL: Errno.EPROTO,
  ERR_POOL_NET_UNREACHABLE: Errno.ENETUNREACH,
  ERR_POOL_PEER_LOST: Errno.ECONNRESET,
  ERR_POOL_NOT_ESTABLISHED: Errno.ENOTCONN,
  ERR_POOL_CLOSED: Errno.ENOTCONN,
  ERR_POOL_MESSAGE_TOO_LARGE: Errno.EMSGSIZE,
  ERR_POOL_TIMEOUT: Errno.EAGAIN,
};

/** A positive errno; EIO for what has no counterpart. */
export function errnoOf(error: unknown): number {
  const { code } = error as { code?: unknown };
  if (typeof code !== 'string') return Errno.EIO;
  return CODES[code] ?? (Errno as Record<string, number>)[code] ?? Errno.EIO;
}

/** A dial: TCP that does not come about in time is EINPROGRESS, a handshake that does not EAGAIN. */
export function connectErrno(error: unknown): number {
  if (error instanceof PoolError && error.timeout && error.syscall === 'connect') return Errno.EINPROGRESS;
  return error instanceof PoolError && error.code === 'ETIMEDOUT' ? Errno.EINPROGRESS : errnoOf(error);
}
