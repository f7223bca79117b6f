/** The codes by which programs that speak TCP know a failure: what takes a socket, retries and logs look for these. */
import { PoolError } from '../../base/errors.js';

const NET_CODES = new Map([
  ['ERR_POOL_PEER_LOST', 'ECONNRESET'],
  ['ERR_POOL_NOT_ESTABLISHED', 'EPIPE'],
]);

/** The error with net's code, and the original as its cause; any other error as it is. */
export function withNetCode(error: Error): Error {
  if (!(error instanceof PoolError)) return error;
  const code = NET_CODES.get(error.code);
  if (code === undefined) return error;
  const { message, syscall, address, port } = error;
  return new PoolError(code, message, { syscall, address, port, cause: error });
}

/** What `withNetCode` was given. */
export function withoutNetCode(error: Error): Error {
  const { cause } = error;
  return cause instanceof PoolError && NET_CODES.has(cause.code) ? cause : error;
}
