/** Again after a while, where a while may help: for dials to a server that is not there yet, or not any more. */
import { orAborted, throwIfAborted } from '../base/abort.js';
import { checkFunction, outOfRange } from '../base/arguments.js';
import { PoolError } from '../base/errors.js';
import { LONGEST_TIMER_MS, nodeTimers, type TimerFunctions } from '../base/timers.js';
import { atCallSite, callSite } from './call-site.js';
import type { OpOptions } from './op-options.js';
import { reader } from './options.js';

/** Options of {@link retry}. */
export interface RetryOptions extends OpOptions {
  /** Calls at most, the first included. Default: no limit. */
  attempts?: number | undefined;
  /** ms of the first wait, from 1; each further one is twice as long. Default 100. */
  minDelay?: number | undefined;
  /** ms of the longest wait. Default 30 000, or `minDelay` where that is more. */
  maxDelay?: number | undefined;
  /** Whether to try again after an error. Default: after each that time may heal. @param attempt that failed, from 1 */
  when?: ((error: unknown, attempt: number) => boolean | Promise<boolean>) | undefined;
}

/** Codes that time doesn't heal: a mistake of the program, a peer that isn't the one or doesn't let in, a machine that can't. */
const FINAL: ReadonlySet<string> = new Set([
  'ERR_INVALID_ARG_TYPE',
  'ERR_INVALID_ARG_VALUE',
  'ERR_OUT_OF_RANGE',
  'ERR_POOL_INVALID_ADDRESS',
  'ERR_POOL_AUTH_FAILED',
  'ERR_POOL_ABI_MISMATCH',
  'ERR_POOL_LOCKED',
  'ERR_POOL_MESSAGE_TOO_LARGE',
  'ERR_POOL_REQUEST_FAILED',
  'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM',
  'ABORT_ERR',
  'EACCES',
  'EPERM',
]);

const DEFAULT_MIN_DELAY_MS = 100;
const DEFAULT_MAX_DELAY_MS = 30_000;

/**
 * Calls `action`, and again after a wait where it failed: waits double from `minDelay` to `maxDelay`, and each is between half
 * and all of that, at random, so that the clients of a server that comes back don't come back at once. It is tried again
 * after a PoolError that time may heal (nobody listens, no such host, a timeout, a lost peer), and not after a mistake (a bad
 * address or option), a failed proof of who the peer is, or an error that isn't pool-ts's; `when` decides otherwise.
 *
 * What `action` does is done again as a whole: let it only dial, or do only what may happen twice.
 * @param action is told the number of the call, from 1; the signal is for its own calls, too, to be given up in the middle
 * @returns what `action` gave
 * @throws (rejects) the last error of `action`, as it is; what `when` throws; the signal's reason, at once during a wait;
 * ERR_INVALID_ARG_TYPE and ERR_OUT_OF_RANGE before the first call
 * @example const conn = await retry(() => dial('10.0.0.1:9253', { signal }), { signal });
 */
export async function retry<T>(action: (attempt: number) => T | Promise<T>, options?: RetryOptions): Promise<T> {
  const site = callSite(retry);
  let settings: RetrySettings;
  try {
    checkFunction('the action', action);
    settings = readRetryOptions(options);
  } catch (error) {
    throw atCallSite(error, site);
  }
  return retryWith(action, settings, { timers: nodeTimers, random: Math.random });
}

interface RetrySettings {
  attempts: number;
  minDelay: number;
  maxDelay: number;
  when: NonNullable<RetryOptions['when']>;
  signal: AbortSignal | undefined;
}

/** @throws PoolError ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE */
export function readRetryOptions(options: RetryOptions | undefined): RetrySettings {
  const read = reader(options);
  const minDelay = read.integer('minDelay', 1, LONGEST_TIMER_MS) ?? DEFAULT_MIN_DELAY_MS;
  const maxDelay = read.integer('maxDelay', 1, LONGEST_TIMER_MS) ?? Math.max(minDelay, DEFAULT_MAX_DELAY_MS);
  if (maxDelay < minDelay)
    throw outOfRange('options.maxDelay', `at least options.minDelay, which is ${minDelay}`, maxDelay);
  const settings = {
    attempts: read.count('attempts') ?? Infinity,
    minDelay,
    maxDelay,
    when: (read.function('when') as RetryOptions['when']) ?? isTemporary,
    signal: read.signal('signal'),
  };
  read.done();
  return settings;
}

function isTemporary(error: unknown): boolean {
  return error instanceof PoolError && !FINAL.has(error.code);
}

/** As {@link retry}; `random` gives 0 <= n < 1. */
export async function retryWith<T>(
  action: (attempt: number) => T | Promise<T>,
  { attempts, minDelay, maxDelay, when, signal }: RetrySettings,
  { timers, random }: { timers: Pick<TimerFunctions, 'setTimeout' | 'clearTimeout'>; random: () => number },
): Promise<T> {
  let delay = minDelay;
  for (let attempt = 1; ; attempt++) {
    throwIfAborted(signal);
    try {
      return await action(attempt);
    } catch (error) {
      // The signal's reason, whatever the action made of it.
      throwIfAborted(signal);
      if (attempt >= attempts || !(await when(error, attempt))) throw error;
    }
    await wait(delay * (0.5 + random() / 2), signal, timers);
    delay = Math.min(delay * 2, maxDelay);
  }
}

function wait(
  ms: number,
  signal: AbortSignal | undefined,
  timers: Pick<TimerFunctions, 'setTimeout' | 'clearTimeout'>,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    timer = timers.setTimeout(resolve, ms);
  });
  return orAborted(over, signal).finally(() => timers.clearTimeout(timer));
}
