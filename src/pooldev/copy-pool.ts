/**
 * The copying threads: one to begin with, another whenever all of them hang in a copy, up to a bound, and a time after
 * which a copy that hangs is given up. A caller that backs its buffer with memory that never answers hurts only itself.
 */
import { type CopyChannel, CopyState, copyChannel, Direction, Word } from './copy-channel.js';
import type { Copy } from './caller-memory.js';
import { Errno } from './errno.js';

const MAX_THREADS = 4;

/** ms; a copy of 64 KiB takes about 0.02. */
const COPY_TIMEOUT = 1000;

/** ms that a copy waits for a thread before another thread is started. */
const PATIENCE = 20;

export interface CopyTicket {
  pid: number;
  /** The open file that stands for the caller's thread. */
  pin: number;
  address: bigint;
  length: number;
  direction: number;
}

/** Starts a thread that runs `runCopyThread` over the shared memory; `done` is called when it finished a copy. */
export type StartCopyThread = (shared: SharedArrayBuffer, done: () => void) => CopyThreadHandle;

export interface CopyThreadHandle {
  ready: Promise<void>;
  stop(): void;
}

interface Job {
  ticket: CopyTicket;
  /** What is to be written; kept because the shared memory may be another job's until it is this one's turn. */
  bytes: Uint8Array | undefined;
  done: ((error: number, bytes: Buffer) => void) | null;
  timer: NodeJS.Timeout;
}

interface Thread {
  channel: CopyChannel;
  job: Job | null;
  handle: CopyThreadHandle;
}

export class CopyPool {
  readonly #start: StartCopyThread;
  readonly #timeout: number;
  readonly #threads: Thread[] = [];
  readonly #waiting: Job[] = [];
  #patience: NodeJS.Timeout | undefined;
  #closed = false;
  /** The first thread runs. Rejects where it can't be started. */
  readonly ready: Promise<void>;

  constructor(start: StartCopyThread, { timeout = COPY_TIMEOUT }: { timeout?: number } = {}) {
    this.#start = start;
    this.#timeout = timeout;
    this.ready = this.#addThread().handle.ready;
  }

  /** Threads running; for tests and for the exit. */
  get threads(): number {
    return this.#threads.length;
  }

  copy(ticket: CopyTicket, bytes: Uint8Array | undefined, done: (error: number, bytes: Buffer) => void): Copy {
    const job: Job = { ticket, bytes, done, timer: setTimeout(() => this.#giveUp(job), this.#timeout) };
    const idle = this.#threads.find((thread) => thread.job === null);
    if (idle !== undefined) this.#run(idle, job);
    else this.#wait(job);
    return { cancel: () => this.#cancel(job) };
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#patience);
    for (const job of this.#waiting.splice(0)) this.#settle(job, -Errno.EIO, Buffer.alloc(0));
    for (const thread of this.#threads) {
      Atomics.store(thread.channel.words, Word.STATE, CopyState.STOP);
      Atomics.notify(thread.channel.words, Word.STATE);
      thread.handle.stop();
    }
  }

  #addThread(): Thread {
    const channel = copyChannel();
    const handle = this.#start(channel.shared, () => this.#finish(thread));
    const thread: Thread = { channel, job: null, handle };
    this.#threads.push(thread);
    return thread;
  }

  /** A thread that can't be started leaves its copy to the others, or to the timeout. */
  #lose(thread: Thread): void {
    this.#threads.splice(this.#threads.indexOf(thread), 1);
    if (thread.job !== null) this.#waiting.unshift(thread.job);
  }

  #run(thread: Thread, job: Job): void {
    const { words, address, data } = thread.channel;
    const { ticket, bytes } = job;
    thread.job = job;
    words[Word.PID] = ticket.pid;
    words[Word.PIN] = ticket.pin;
    words[Word.LENGTH] = ticket.length;
    words[Word.DIRECTION] = ticket.direction;
    address[0] = ticket.address;
    if (bytes !== undefined && ticket.direction === Direction.TO_CALLER) data.set(bytes);
    Atomics.store(words, Word.STATE, CopyState.ASKED);
    Atomics.notify(words, Word.STATE);
  }

  #wait(job: Job): void {
    // `write` promises to take the bytes at once.
    if (job.bytes !== undefined) job.bytes = Uint8Array.from(job.bytes);
    this.#waiting.push(job);
    if (this.#patience !== undefined || this.#threads.length >= MAX_THREADS) return;
    this.#patience = setTimeout(() => {
      this.#patience = undefined;
      if (this.#waiting.length === 0) return;
      const thread = this.#addThread();
      thread.handle.ready.catch(() => this.#lose(thread));
      this.#next(thread);
    }, PATIENCE);
  }

  #next(thread: Thread): void {
    const job = this.#waiting.shift();
    if (job !== undefined) this.#run(thread, job);
  }

  #finish(thread: Thread): void {
    const { words, data } = thread.channel;
    if (this.#closed || Atomics.load(words, Word.STATE) !== CopyState.DONE) return;
    const job = thread.job;
    const result = words[Word.RESULT] ?? -Errno.EIO;
    Atomics.store(words, Word.STATE, CopyState.IDLE);
    // The bytes stand in the shared memory: they are used before the next job may have it.
    if (job !== null) this.#settle(job, result, data.subarray(0, job.ticket.length));
    thread.job = null;
    this.#next(thread);
  }

  /** The thread stays with its copy; its caller is answered. Its own memory hangs, so what comes later is its own doing. */
  #giveUp(job: Job): void {
    const thread = this.#threads.find((candidate) => candidate.job === job);
    const state = thread === undefined ? null : Atomics.load(thread.channel.words, Word.STATE);
    // This thread was busy, and the copy is done: its message is behind this timer.
    if (thread !== undefined && state === CopyState.DONE) return this.#finish(thread);
    // It has not begun: the thread is about to start, which takes a busy machine more than a second, or was not scheduled.
    if (state === CopyState.ASKED) {
      job.timer = setTimeout(() => this.#giveUp(job), this.#timeout);
      return;
    }
    const { done } = job;
    this.#cancel(job);
    this.#forget(job);
    done?.(-Errno.EFAULT, Buffer.alloc(0));
  }

  #cancel(job: Job): boolean {
    const at = this.#waiting.indexOf(job);
    if (at >= 0) {
      this.#waiting.splice(at, 1);
      this.#forget(job);
      return true;
    }
    const thread = this.#threads.find((candidate) => candidate.job === job);
    if (thread === undefined) return false;
    const { words } = thread.channel;
    const was = Atomics.compareExchange(words, Word.STATE, CopyState.ASKED, CopyState.IDLE);
    if (was !== CopyState.ASKED) return false;
    thread.job = null;
    this.#forget(job);
    this.#next(thread);
    return true;
  }

  #forget(job: Job): void {
    clearTimeout(job.timer);
    job.done = null;
  }

  #settle(job: Job, error: number, bytes: Buffer): void {
    const { done } = job;
    this.#forget(job);
    done?.(error, bytes);
  }
}
