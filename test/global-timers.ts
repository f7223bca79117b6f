/** The timers of the global object at the time of each call: those that `vi.useFakeTimers` puts there. */
import type { TimerFunctions } from '../src/base/timers.js';

export const globalTimers: TimerFunctions = {
  setTimeout: Object.assign((callback: () => void, ms?: number) => globalThis.setTimeout(callback, ms), {
    __promisify__: globalThis.setTimeout.__promisify__,
  }) as TimerFunctions['setTimeout'],
  clearTimeout: (timer) => globalThis.clearTimeout(timer),
  performance: { now: () => globalThis.performance.now() },
};
