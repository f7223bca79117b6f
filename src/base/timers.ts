/**
 * Node's timers, microtasks and monotonic clock. From here and not from the global object: what test runners put there in
 * their place (the fake timers of jest, vitest and node:test) stands still, and node:net's own timers, on which the other
 * half of a session runs, don't; and some realms, such as jest's jsdom, lack part of them. Deadlines in wall-clock time
 * still count from the program's own Date.
 */
import { builtin } from './builtin.js';

// Copied when this file is loaded: some fake timers write to the object that is Node's module.
export const { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate, clearImmediate } =
  builtin('node:timers');

/** ms: the longest time that setTimeout takes; it would run anything longer at once. About 24.8 days. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

// Not imported: an import reads all that it exports, and makes the streams of stdin, stdout and stderr by that.
const nodeProcess = builtin('node:process');

/** `process.nextTick`. */
export const nextTick: typeof process.nextTick = nodeProcess.nextTick.bind(nodeProcess);

/** The global `queueMicrotask`. */
export const { queueMicrotask } = globalThis;

const { hrtime: nodeHrtime } = nodeProcess;

/** Monotonic time, in ns: `process.hrtime.bigint`. */
export const hrtime = (): bigint => nodeHrtime.bigint();

/** Monotonic time, in ms with fractions; as `performance.now`, from another beginning. */
export const performance = {
  now: (): number => {
    const [seconds, nanoseconds] = nodeHrtime();
    return seconds * 1e3 + nanoseconds / 1e6;
  },
};

/** Settles as `work` does, or fulfils with `late` after `ms`; `work` itself goes on. */
export async function orLate<T, L>(ms: number, work: Promise<T>, late: L): Promise<T | L> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<L>((resolve) => {
    timer = setTimeout(() => resolve(late), ms);
  });
  try {
    return await Promise.race([work, over]);
  } finally {
    clearTimeout(timer);
  }
}

/** What of these an object needs that keeps time; tests give their own. */
export interface TimerFunctions {
  setTimeout: typeof setTimeout;
  clearTimeout: typeof clearTimeout;
  performance: { now(): number };
}

/** Node's own. */
export const nodeTimers: TimerFunctions = { setTimeout, clearTimeout, performance };
