/** From a request's errno to what it means for the program: the guide's table by errno in troubleshooting; kernel contract, section 2. */
import { PoolError, type PoolErrorCode } from '../../../base/errors.js';

/** The errno name of a failed request; '' for what isn't the device's. */
export function errnoNameIn(error: unknown): string {
  return error instanceof PoolError ? error.code : '';
}

/** A number, where there is one. */
export function errnoIn(error: unknown): number | undefined {
  return error instanceof PoolError ? error.errno : undefined;
}

/** The request was taken back by its signal or by an interruption. */
export function wasCancelled(error: unknown): boolean {
  return (error instanceof Error && error.name === 'AbortError') || errnoNameIn(error) === 'EINTR';
}

/** The request was not made, for want of a thread, or the system had no memory for it: that says nothing of the device. */
export function isPassing(error: unknown): boolean {
  return !(error instanceof PoolError) || error.syscall === 'worker' || error.code === 'ENOMEM';
}

const FULL: [code: PoolErrorCode, reason: string] = [
  'ERR_POOL_SESSION_FULL',
  'all 64 sessions of the device are in use (a session to this machine itself takes two); `npx pool-ts sessions` lists them',
];

/** What CONNECT's errno means where trying again would not help. */
const DIAL: Record<string, [code: PoolErrorCode, reason: string]> = {
  ENOSPC: FULL,
  // As poolioc's Device has it.
  ERR_POOL_SESSION_FULL: FULL,
  EBADMSG: ['ERR_POOL_AUTH_FAILED', "the peer's packets failed authentication"],
  EACCES: ['ERR_POOL_AUTH_FAILED', 'the puzzle or the proof was not accepted'],
  EPROTO: ['ERR_POOL_PROTOCOL', 'the peer sent a packet that does not belong there in the handshake'],
  ETIMEDOUT: ['ERR_POOL_TIMEOUT', 'timed out in the handshake'],
  EINPROGRESS: ['ERR_POOL_TIMEOUT', 'timed out: the host does not answer'],
  EAGAIN: [
    'ERR_POOL_TIMEOUT',
    'timed out: TCP was accepted, but the handshake was not answered; a module serves one handshake at a time',
  ],
  ENETUNREACH: ['ERR_POOL_NET_UNREACHABLE', 'network unreachable'],
  EHOSTUNREACH: ['ERR_POOL_NET_UNREACHABLE', 'host unreachable'],
};

const REASONS: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  ENOTCONN: "the device's server is gone",
  ECONNABORTED: "the device's server is gone",
  ENODEV: 'the device is gone',
};

/** The error of a dial; `reason` is all of its message, the caller knows the address. */
export function dialError(cause: unknown): PoolError {
  const name = errnoNameIn(cause);
  const known = DIAL[name];
  const details = { errno: errnoIn(cause), syscall: 'connect', cause };
  if (known !== undefined) return new PoolError(known[0], known[1], details);
  // The caller's sentence has the address already.
  const said = cause instanceof Error ? cause.message.replace(/^connect to \S+: /, '') : String(cause);
  return new PoolError(name === '' ? 'EIO' : name, REASONS[name] ?? said, details);
}

/** Where the table said so, before CONNECT or after one that failed for it. */
export function tableFull(cause?: unknown): PoolError {
  return new PoolError(...FULL, { errno: errnoIn(cause), syscall: 'connect', cause });
}

/** The error of a dial that hazard 3 made fail each time; it tells the number of tries, as the contract wants. */
export function retriedDialError(cause: unknown, tries: number): PoolError {
  return new PoolError(
    'ECONNRESET',
    `the handshake failed ${tries === 1 ? 'once' : `${tries} times`}, the last time with ${errnoNameIn(cause)}; ` +
      'a reused slot makes handshakes fail by chance, and so does a peer whose session table is full',
    { errno: errnoIn(cause), syscall: 'connect', cause },
  );
}

/**
 * The error of a SEND, and whether the session is dead after it. Kernel contract, hazard 11: it is, after all but EINVAL and
 * EFAULT, which are seen before a byte moves. After ENOTCONN on a first packet it would not be, but which packet it was
 * can't be known, and the peer has closed anyway.
 */
export function judgeSend(cause: unknown): { fatal: boolean; error: PoolError } {
  const name = errnoNameIn(cause);
  const details = { errno: errnoIn(cause), syscall: 'send', cause };
  switch (name) {
    case 'EINVAL':
    case 'EFAULT':
      return { fatal: false, error: new PoolError(name, `the device refused the message with ${name}`, details) };
    case 'ENOTCONN':
      return { fatal: true, error: new PoolError('ERR_POOL_NOT_ESTABLISHED', 'the session has ended', details) };
    case 'EPIPE':
    case 'ECONNRESET':
      return { fatal: true, error: new PoolError('ERR_POOL_PEER_LOST', 'the connection to the peer broke', details) };
    default: {
      const reason = `SEND failed with ${name === '' ? String(cause) : name}, and part of the message may be on the wire: nothing can follow it`;
      return { fatal: true, error: new PoolError('ERR_POOL_PEER_LOST', reason, details) };
    }
  }
}

/** The device, or its server, is gone: every session on it has ended. */
export function deviceLost(device: string, cause: unknown): PoolError {
  const name = errnoNameIn(cause);
  // ENOTTY: it has never been one. The low level says what it may be.
  if (name.startsWith('ERR_') || (name === 'ENOTTY' && cause instanceof PoolError)) return cause as PoolError;
  return new PoolError(
    name === '' || name === 'ENOTCONN' ? 'ENODEV' : name,
    `the device ${device} is gone: SESSIONS failed with ${name === '' ? String(cause) : name}; ` +
      'if a program serves it (npx pool-ts device), that program has ended',
    { errno: errnoIn(cause), syscall: 'ioctl', cause },
  );
}

export function notEstablished(index: number): PoolError {
  return new PoolError(
    'ERR_POOL_NOT_ESTABLISHED',
    `slot ${index} no longer holds this session: another program closed it`,
  );
}
