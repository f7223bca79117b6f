/** Refuses a bad POOL address before anything is opened. */
import { dial, type DialOptions } from '../../index.js';

/**
 * Asks `dial` itself, which reads address and options first, and only then sees that it is cancelled.
 * @throws (rejects) PoolError ERR_POOL_INVALID_ADDRESS, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE
 */
export async function checkDialAddress(address: string, options: DialOptions): Promise<void> {
  const cancelled = new Error('cancelled');
  try {
    await dial(address, { ...options, signal: AbortSignal.abort(cancelled) });
  } catch (error) {
    if (error !== cancelled) throw error;
  }
}
