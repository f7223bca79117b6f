/** The options of operations on a flow, checked before anything happens. */
import { types } from 'node:util';
import { checkInteger, isSignal, outOfRange, wrongType } from '../base/arguments.js';
import { LONGEST_TIMER_MS } from '../base/timers.js';
import { refuseUnknown } from '../base/option-names.js';
import { PoolError } from '../base/errors.js';
import { ownOption } from '../base/own-properties.js';

/** Options of one operation. */
export interface OpOptions {
  /** Cancels this one operation and nothing else: it rejects with the signal's reason, and nothing is lost. */
  signal?: AbortSignal | undefined;
}

/** Options of `close`. */
export interface CloseOptions extends OpOptions {
  /** ms that the peer has to take what was written; default 5000. Then the session is destroyed. */
  closeTimeout?: number | undefined;
}

/** Options of `readMessages`. */
export interface ReadMessagesOptions extends OpOptions {
  /** The most messages to return; default all that are queued. */
  max?: number | undefined;
}

/** ms: what `close` waits for a peer that doesn't read. */
export const DEFAULT_CLOSE_TIMEOUT_MS = 5000;

/** The signal of an operation's options; undefined when there is none. `others` are what else the operation reads. */
export function signalOf(options: OpOptions | undefined, ...others: string[]): AbortSignal | undefined {
  if (options === undefined) return undefined;
  if (options === null || typeof options !== 'object') throw wrongType('options', 'an object', options);
  const signal = ownOption(options, 'signal');
  if (signal === undefined) refuseSignal(options);
  refuseUnknown(options, ['signal', ...others]);
  if (signal === undefined) return undefined;
  if (!isSignal(signal)) throw wrongType('options.signal', 'an AbortSignal', signal);
  return signal;
}

/** A signal in the place of the options would never cancel anything. @throws PoolError ERR_INVALID_ARG_TYPE */
export function refuseSignal(options: unknown): void {
  if (!isSignal(options)) return;
  throw new PoolError('ERR_INVALID_ARG_TYPE', 'options are an object, not an AbortSignal: pass { signal }');
}

/** The bound of a batch; Infinity when none is given. */
export function maxOf(options: ReadMessagesOptions | undefined): number {
  const max = options === undefined ? undefined : ownOption(options, 'max');
  return max === undefined || max === Infinity ? Infinity : checkInteger('options.max', max, 1, Number.MAX_VALUE);
}

export function closeTimeoutOf(options: CloseOptions | undefined): number {
  const timeout = options === undefined ? undefined : ownOption(options, 'closeTimeout');
  if (timeout === undefined) return DEFAULT_CLOSE_TIMEOUT_MS;
  if (typeof timeout !== 'number') throw wrongType('options.closeTimeout', 'a number of ms', timeout);
  if (timeout >= 0 && timeout <= LONGEST_TIMER_MS) return timeout;
  throw outOfRange('options.closeTimeout', `a number of ms from 0 to ${LONGEST_TIMER_MS}`, timeout);
}

/** A channel that can be opened: 0 is the Conn itself. */
export function requireChannel(channel: unknown): number {
  if (typeof channel !== 'number') throw wrongType('a channel', 'a number', channel);
  if (!Number.isInteger(channel) || channel < 1 || channel > 255) {
    throw new PoolError('ERR_OUT_OF_RANGE', `a channel is 1 to 255, not ${channel}; channel 0 is the Conn itself`);
  }
  return channel;
}

/** Why something is destroyed. Null is none, as Node's streams have it; errors of other realms are errors. */
export function requireReason(error: unknown): Error | undefined {
  if (error === undefined || error === null) return undefined;
  if (error instanceof Error || types.isNativeError(error)) return error;
  throw wrongType('the reason of destroy', 'an Error, or none', error);
}
