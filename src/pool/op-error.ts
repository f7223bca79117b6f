/**
 * Errors of operations on a flow: a sentence of operation, address and reason, as Go's `net.OpError` prints it
 * (`read pool 10.0.0.1:9253: deadline exceeded`), with a stack that starts at the caller.
 */
import { asRejection } from '../base/abort.js';
import { PoolError, type PoolErrorCode, type PoolErrorDetails } from '../base/errors.js';
import { joinHostPort } from '../base/ip.js';
import type { Addr } from './address/addr.js';
import { isReason } from './call-site.js';

/** What an operation was about: the peer, and the channel where it was not the Conn itself. */
export interface OpTarget {
  readonly addr: Addr;
  readonly channel?: number;
}

/** `pool 10.0.0.1:9253`, `pool 10.0.0.1:9253 channel 5`. */
export function flowName(target: OpTarget): string {
  const channel = target.channel === undefined ? '' : ` channel ${target.channel}`;
  return `pool ${target.addr.toString()}${channel}`;
}

export function opError(
  op: string,
  target: OpTarget,
  code: PoolErrorCode | (string & {}),
  reason: string,
  details: PoolErrorDetails = {},
): PoolError {
  const { address, port } = target.addr;
  return new PoolError(code, `${op} ${flowName(target)}: ${reason}`, { syscall: op, address, port, ...details });
}

/** The error of an operation after this side's close. */
export function closedHere(op: string, target: OpTarget, details?: PoolErrorDetails): PoolError {
  const what = target.channel === undefined ? 'connection' : 'channel';
  return opError(op, target, 'ERR_POOL_CLOSED', `the ${what} was closed by this side`, details);
}

/** The error of an operation that a session's end made impossible. The end's own error is the cause. */
export function endError(op: string, target: OpTarget, error: PoolError, details: PoolErrorDetails = {}): PoolError {
  const { errno } = error;
  return opError(op, target, error.code, reasonOf(error), {
    ...(errno === undefined ? {} : { errno }),
    cause: error,
    ...details,
  });
}

/** What an error says behind its own operation and address. */
function reasonOf({ message, syscall, address, port }: PoolError): string {
  if (syscall === undefined || address === undefined || port === undefined) return message;
  const where = `${syscall} pool ${joinHostPort(address, port)}: `;
  return message.startsWith(where) ? message.slice(where.length) : message;
}

/** What a backend rejects with names the reason alone; this adds operation and address, once. */
export function located(op: string, target: OpTarget, error: unknown): unknown {
  return error instanceof PoolError && error.address === undefined ? endError(op, target, error) : error;
}

/** Of a flow, what names it in errors. A Conn has no channel. */
interface Named {
  readonly remoteAddr?: Addr;
  readonly channel?: number;
}

/**
 * Turns what was thrown within a public method into its rejection. The stack then starts where the method was called, and
 * a bad argument's error, which names the reason alone, is made a whole sentence. Only errors of ours are touched: a
 * signal's reason is the caller's.
 */
export function rejectFromCaller<T, Name extends string>(
  error: unknown,
  receiver: Record<Name, (...args: never[]) => unknown> & Named,
  method: Name,
  signal?: AbortSignal,
): Promise<T> {
  if (!(error instanceof PoolError) || isReason(error, signal)) return Promise.reject(asRejection(error));
  const { remoteAddr: addr, channel } = receiver;
  const target = addr && (channel === undefined ? { addr } : { addr, channel });
  const whole =
    target === undefined || error.address !== undefined ? error : opError(method, target, error.code, error.message);
  Error.captureStackTrace(whole, receiver[method]);
  return Promise.reject(whole);
}

/**
 * For an operation that fails later, when the caller's frames are gone: V8 finds those that await the promise, but only
 * from within the reaction to it. Costs nothing on the way of success but one promise.
 */
export function fromCaller<T>(pending: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (signal === undefined) return pending.then(undefined, rethrow);
  return pending.then(undefined, (error: unknown) => {
    if (isReason(error, signal)) throw error;
    rethrow(error);
  });
}

/** As `fromCaller`, for a promise that several calls have in common: each rejects with an error of its own. */
export function fromCallerOfShared<T>(pending: Promise<T>): Promise<T> {
  return pending.then(undefined, rethrowCopy);
}

function rethrowCopy(error: unknown): never {
  if (!(error instanceof PoolError)) throw error;
  const { code, message, errno, syscall, address, port, cause } = error;
  const copy = new PoolError(code, message, { errno, syscall, address, port, cause });
  Error.captureStackTrace(copy, rethrowCopy);
  throw copy;
}

function rethrow(error: unknown): never {
  if (error instanceof PoolError) Error.captureStackTrace(error, rethrow);
  throw error;
}
