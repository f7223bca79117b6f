/**
 * Where a public function was called. Errors of operations that end later are given the stack of that place, so that a
 * stack starts at the caller and not somewhere in a timer or a socket.
 */
import { PoolError } from '../base/errors.js';

export interface CallSite {
  /** Text, unless the program's Error.prepareStackTrace makes something else of stacks. */
  stack?: unknown;
}

/** Remembers the stack above `entry`, the public function itself. V8 turns it into text only when an error wants it. */
export function callSite(entry: (...args: never[]) => unknown): CallSite {
  const site: CallSite = {};
  Error.captureStackTrace(site, entry);
  return site;
}

/** The same for a method of `object`. */
export function methodSite<Name extends PropertyKey>(
  object: Readonly<Record<Name, (...args: never[]) => unknown>>,
  name: Name,
): CallSite {
  return callSite(object[name]);
}

/**
 * What a public function rejects with: an error of ours gets the stack of its caller. Other errors, and the reason of the
 * caller's own signal, even where that is a PoolError, belong to somebody else and stay as they are.
 */
export function atCallSite<T>(error: T, site: CallSite, signal?: AbortSignal): T {
  if (!(error instanceof PoolError) || isReason(error, signal)) return error;
  const { stack } = site;
  // A program's own Error.prepareStackTrace may make anything of it.
  if (typeof stack !== 'string') return error;
  const frames = stack.indexOf('\n    at ');
  const value = `${error.name}: ${error.message}${frames < 0 ? '' : stack.slice(frames)}`;
  Object.defineProperty(error, 'stack', { value, configurable: true, writable: true, enumerable: false });
  return error;
}

/** Does what a public method that throws is for; the stack of an error of ours then starts where it was called. */
export function fromCallSite<T, Name extends PropertyKey>(
  object: Readonly<Record<Name, (...args: never[]) => unknown>>,
  name: Name,
  run: () => T,
): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof PoolError) Error.captureStackTrace(error, object[name]);
    throw error;
  }
}

/** Whether an operation ended because of its signal. */
export function isReason(error: unknown, signal: AbortSignal | undefined): boolean {
  return signal !== undefined && signal.aborted && error === signal.reason;
}
