/** Functions of programs, which are called in the middle of a transfer. */
import { queueMicrotask } from '../base/timers.js';

/**
 * `callback`, but what it throws is thrown a moment later: it is an uncaught exception, as on any event, and what called it goes
 * on as if it had given `otherwise`.
 */
export function programCallback<A extends unknown[], R>(callback: (...args: A) => R, otherwise: R): (...args: A) => R {
  return (...args) => {
    try {
      return callback(...args);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
      return otherwise;
    }
  };
}
