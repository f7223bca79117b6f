/** What a failed socket means to a program, by phase. Messages give the reason alone: the API adds operation and address. */
import type { Socket } from 'node:net';
import { getSystemErrorMap } from 'node:util';
import { PoolError, type PoolErrorDetails } from '../base/errors.js';
import type { Role } from './session-draws.js';

/** Sockets that fail in these ways were cut off by the other side. */
const CUT_OFF = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED']);

const CODES: Record<string, string> = {
  ENETUNREACH: 'ERR_POOL_NET_UNREACHABLE',
  EHOSTUNREACH: 'ERR_POOL_NET_UNREACHABLE',
  ETIMEDOUT: 'ERR_POOL_TIMEOUT',
};

/** A failure of connect, listen or accept: the errno's name is the code, but where there is one of ours for it. */
export function connectError(error: NodeJS.ErrnoException): PoolError {
  const name = error.code ?? 'EIO';
  const code = CODES[name] ?? name;
  const reason = `${systemSentence(error)}${interfaceHint(error)}`;
  return new PoolError(code, code === name ? reason : `${reason} (${name})`, details(error));
}

/** A socket that failed while the handshake was under way, at the end that dialled or at the one that was dialled. */
export function handshakeSocketError(error: NodeJS.ErrnoException, role: Role): PoolError {
  return CUT_OFF.has(error.code ?? '') ? hungUp(role, error) : connectError(error);
}

/**
 * The peer ended the connection before the session was there. One that was dialled says no reason: a module whose table is
 * full does just that, and a listener of ours at each of its limits.
 */
export function hungUp(role: Role, cause?: NodeJS.ErrnoException): PoolError {
  const why =
    role === 'client'
      ? '; its session table may be full, or it takes no more connections from here for now'
      : ' before it proved itself';
  return new PoolError('ECONNRESET', `the peer hung up during the handshake${why}`, {
    ...(cause === undefined ? {} : details(cause)),
  });
}

/** A socket that failed under an established session. */
export function sessionSocketError(error: NodeJS.ErrnoException): PoolError {
  return new PoolError(
    'ERR_POOL_PEER_LOST',
    `the peer is lost: ${systemSentence(error)} (${error.code ?? 'no errno'}) on the connection`,
    details(error),
  );
}

function systemSentence(error: NodeJS.ErrnoException): string {
  const known = error.errno === undefined ? undefined : getSystemErrorMap().get(error.errno);
  return known?.[1] ?? error.message;
}

/** "invalid argument" is all that the system says of a link-local address without its interface (RFC 4007), or with one that isn't. */
function interfaceHint(error: NodeJS.ErrnoException & { address?: string }): string {
  const address = error.address ?? '';
  if (error.code !== 'EINVAL' || !/^fe[89ab][\da-f]:/i.test(address)) return '';
  const [host = '', name] = address.split('%');
  return name === undefined
    ? `; a link-local address needs its interface, as in ${host}%eth0`
    : `; perhaps this machine has no interface ${name}`;
}

function details(error: NodeJS.ErrnoException): PoolErrorDetails {
  return { errno: error.errno, syscall: error.syscall, cause: error };
}

/** Calls `fail` when the connection of a handshake fails or ends, however it does. @returns what makes it not do so any more */
export function onHandshakeEnd(socket: Socket, role: Role, fail: (error: PoolError) => void): () => void {
  const ended = (): void => fail(hungUp(role));
  const failed = (error: NodeJS.ErrnoException): void => fail(handshakeSocketError(error, role));
  socket.on('end', ended).on('close', ended).on('error', failed);
  return () => void socket.off('end', ended).off('close', ended).off('error', failed);
}
