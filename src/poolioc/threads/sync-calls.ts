/**
 * Calls without the event loop, for the moments before the process ends. They go to threads that are there: a new one takes
 * 65 ms to start, and much longer on a busy machine. Several go at a time, so that one which hangs takes nothing from the
 * others.
 */
import { callOutcome, post, type ThreadRequest, type CallOutcome } from './thread-request.js';
import type { SignalLibc, WorkerThread } from './worker-thread.js';
import { performance } from '../../base/timers.js';

const STUCK_MS = 100;
/** ms without a result after which those that wait get one more thread. */
const CROWDED_MS = 20;
/** ms between two looks. */
const ROUND_MS = 1;
/** ms between two looks at one call, whose end is told besides. */
const ALONE_MS = 10;

const never = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

/** From one look to the next, without the event loop. */
export function pause(): void {
  Atomics.wait(never, 0, 0, ROUND_MS);
}

export interface SyncCallsOptions {
  libc: SignalLibc;
  /** A thread that can take an order at once, and is none of `taken`. */
  free: (taken: ReadonlySet<WorkerThread>) => WorkerThread | undefined;
  start: () => WorkerThread;
  /** Whether a call with this key is under way. */
  locked: (key: string) => boolean;
  /** ms for all of them. */
  timeout: number;
  /** ms without a result after which what is still under way counts as stuck. */
  stuck?: number | undefined;
}

/** @returns the results in the order of the requests; null for a call that had none in time */
export function makeCalls<T>(
  requests: readonly ThreadRequest<T>[],
  options: SyncCallsOptions,
): (CallOutcome<T> | null)[] {
  const results = requests.map((): CallOutcome<T> | null => null);
  let waiting = requests.map((request, at) => ({ request, at }));
  const running = new Map<WorkerThread, { request: ThreadRequest<T>; at: number }>();
  /**
   * Those of them that are not in their call yet: on a busy machine a thread may take longer to start than a stuck call is
   * waited for, and a closing waits for its turn.
   */
  const starting = new Set<WorkerThread>();
  const { libc, locked, free, start, timeout, stuck = STUCK_MS } = options;
  const until = performance.now() + timeout;
  let progress = performance.now();

  const begin = (thread: WorkerThread, job: { request: ThreadRequest<T>; at: number }): void => {
    running.set(thread, job);
    starting.add(thread);
    waiting = waiting.filter((one) => one !== job);
    post(job.request, thread, libc);
  };

  while (waiting.length > 0 || running.size > 0) {
    for (const [thread, { request, at }] of running) {
      const answer = thread.answer;
      if (answer === null) continue;
      running.delete(thread);
      results[at] = callOutcome(request, answer, thread.memory);
      progress = performance.now();
    }
    for (const thread of starting) {
      if (!thread.ready || !thread.called(running.get(thread)?.request.lease !== undefined)) continue;
      starting.delete(thread);
      // It has begun with its call only now.
      progress = performance.now();
    }
    const taken = new Set(running.keys());
    const ready = waiting.filter(({ request: { keys = [] } }) => !keys.some(locked));
    const now = performance.now();
    if (now >= until) break;
    for (const job of ready) {
      const thread = free(taken);
      if (thread === undefined) {
        if (starting.size === 0 && (running.size === 0 || now - progress >= CROWDED_MS)) begin(start(), job);
        break;
      }
      taken.add(thread);
      begin(thread, job);
    }
    // A thread that is only starting is not stuck.
    if (now - progress >= stuck && starting.size === 0) break;
    const [alone] = running.size === 1 && ready.length === 0 ? running.keys() : [];
    if (alone !== undefined) alone.awaitAnswer(ALONE_MS);
    else if (running.size > 0 || waiting.length > 0) pause();
  }
  for (const [thread, { request }] of running) {
    if (request.lease === undefined) continue;
    // One that comes to its call only now would make it without its turn.
    if (thread.called(true)) request.lease.over(thread.memory, libc);
    else thread.halt();
  }
  return results;
}
