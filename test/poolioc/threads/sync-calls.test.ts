import { expect, it } from 'vitest';
import { makeCalls } from '../../../src/poolioc/threads/sync-calls.js';
import { CallMemory } from '../../../src/poolioc/threads/call-memory.js';
import type { ThreadRequest } from '../../../src/poolioc/threads/thread-request.js';
import type { SignalLibc, WorkerThread } from '../../../src/poolioc/threads/worker-thread.js';

/** Longer than a call without a result is waited for. */
const SLOW_START_MS = 150;

/** A thread that takes its time to start, and answers at the third look after that. */
function slowThread(): WorkerThread {
  const started = performance.now() + SLOW_START_MS;
  let looks = 0;
  return {
    memory: new CallMemory(),
    post() {},
    awaitAnswer() {},
    called: () => performance.now() >= started,
    get ready() {
      return performance.now() >= started;
    },
    get answer() {
      if (performance.now() < started) return null;
      looks += 1;
      return looks < 3 ? null : { ret: 7, errno: 0 };
    },
  } as unknown as WorkerThread;
}

/** A thread that never answers; `called`: it is in its system call. */
function hangingThread(called: boolean) {
  const thread = {
    memory: new CallMemory(),
    halted: false,
    ready: true,
    answer: null,
    post() {},
    awaitAnswer() {},
    called: () => called,
    halt: () => void (thread.halted = true),
  };
  return thread;
}

// Kernel contract, hazard 2: it would make its CLOSE_SESS beside another program's.
it.each([
  { where: 'is in its call', called: true, over: 1, halted: false },
  { where: 'is still about to make it', called: false, over: 0, halted: true },
])('ends the lease of a thread that $where: $over', ({ called, over, halted }) => {
  let ended = 0;
  const thread = hangingThread(called);
  const results = makeCalls(
    [{ threads: 'close', call: { kind: 'close', fd: 77 }, lease: { key: 'turn', ms: 1, over: () => (ended += 1) } }],
    {
      libc: null as unknown as SignalLibc,
      free: () => thread as unknown as WorkerThread,
      start: () => thread as unknown as WorkerThread,
      locked: () => false,
      timeout: 5,
      stuck: 1,
    },
  );
  expect([results, ended, thread.halted]).toEqual([[null], over, halted]);
});

it('does not take a thread that was long in starting for one that hangs', () => {
  const request: ThreadRequest<number> = {
    threads: 'close',
    call: { kind: 'close', fd: 77 },
    take: (_, { ret }) => ret,
  };
  const results = makeCalls([request], {
    libc: null as unknown as SignalLibc,
    free: () => undefined,
    start: slowThread,
    locked: () => false,
    timeout: 60_000,
  });
  expect(results.map((outcome) => outcome?.value)).toEqual([7]);
});
