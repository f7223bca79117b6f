/** What becomes of a handler's failure that nobody asked to hear of. */

import { messageOf } from '../base/errors.js';

/**
 * Tells of the first and of no other: a stranger whose requests or connections fail again and again must not fill the log.
 * @param of the function that was given the handler
 * @param told goes on after `a handler of serve failed`: where, why, and what was done about it
 */
export function warnOnce<T>(
  of: 'serve' | 'respond',
  told: (reason: string, about: T) => string,
): (error: unknown, about: T) => void {
  let warned = false;
  return (error, about) => {
    if (warned) return;
    warned = true;
    process.emitWarning(
      `a handler of ${of} failed${told(messageOf(error), about)}. Further failures are not reported: pass onError to see them`,
      'PoolWarning',
      `POOL_${of.toUpperCase()}_HANDLER`,
    );
  };
}
