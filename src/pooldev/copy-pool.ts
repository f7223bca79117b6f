/**
 * The copying threads: one to begin with, another whenever all of them are busy, up to a bound, and a time after which a
 * copy that hangs is given up. A caller that backs its buffer with memory that never answers hurts only itself: the thread
 * that hangs is replaced, and its process gets no other as long as it does.
 */
import { readFileSync } from 'node:fs';
import { type CopyChannel, CopyState, copyChannel, Direction, Word } from './copy-channel.js';
import type { Copy } from './caller-memory.js';
import { Errno } from '../base/errno.js';

/** Threads that serve, those not counted that hang in a copy given up. */
const MAX_THREADS = 4;

/** Threads that may hang before no more are started in their place: each is a process that does harm, and 9 MiB of ours. */
const MAX_HANGING = 12;

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
  /** The calling thread whose copy was given up, and never came to an end. */
  hanging: number | null;
  handle: CopyThreadHandle;
}

export interface CopyPoolOptions {
  /** ms. */
  timeout?: number;
  /** The process that a thread belongs to. */
  processOf?: (thread: number) => number;
}

export class CopyPool {
  readonly #start: StartCopyThread;
  readonly #timeout: number;
  readonly #processOf: (thread: number) => number;
  readonly #threads: Thread[] = [];
  readonly #waiting: Job[] = [];
  #patience: NodeJS.Timeout | undefined;
  #closed = false;
  /** The first thread runs. Rejects where it can't be started. */
  readonly ready: Promise<void>;

  constructor(start: StartCopyThread, { timeout = COPY_TIMEOUT, processOf = threadGroup }: CopyPoolOptions = {}) {
    this.#start = start;
    this.#timeout = timeout;
    this.#processOf = processOf;
    this.ready = this.#addThread().handle.ready;
  }

  /** Threads running; for tests and for the exit. */
  get threads(): number {
    return this.#threads.length;
  }

  copy(ticket: CopyTicket, bytes: Uint8Array | undefined, done: (error: number, bytes: Buffer) => void): Copy {
    if (this.#hangs(ticket.pid)) {
      done(-Errno.EFAULT, Buffer.alloc(0));
      return { cancel: () => false };
    }
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

  /** Whether the process that `caller` belongs to has a copy that hangs. Asked of /proc only where some copy does. */
  #hangs(caller: number): boolean {
    const hanging = this.#threads.flatMap(({ hanging: one }) => one ?? []);
    if (hanging.length === 0) return false;
    const process = this.#processOf(caller);
    return hanging.some((one) => one === caller || this.#processOf(one) === process);
  }

  get #mayGrow(): boolean {
    const hanging = this.#threads.filter((thread) => thread.hanging !== null).length;
    return this.#threads.length - Math.min(hanging, MAX_HANGING) < MAX_THREADS;
  }

  #addThread(): Thread {
    const channel = copyChannel();
    const handle = this.#start(channel.shared, () => this.#finish(thread));
    const thread: Thread = { channel, job: null, hanging: null, handle };
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
    this.#growSoon();
  }

  #growSoon(): void {
    if (this.#patience !== undefined || this.#waiting.length === 0 || !this.#mayGrow) return;
    this.#patience = setTimeout(() => {
      this.#patience = undefined;
      this.#grow();
    }, PATIENCE);
  }

  #grow(): void {
    if (this.#waiting.length === 0 || !this.#mayGrow) return;
    const thread = this.#addThread();
    thread.handle.ready.catch(() => this.#lose(thread));
    this.#next(thread);
    // The new one may come to hang as well.
    this.#growSoon();
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
    thread.hanging = null;
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
    if (!this.#cancel(job) && thread !== undefined) thread.hanging = job.ticket.pid;
    this.#forget(job);
    done?.(-Errno.EFAULT, Buffer.alloc(0));
    this.#grow();
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

/** From /proc/<thread>/status; the thread itself where that can't be read. */
function threadGroup(thread: number): number {
  try {
    return Number(/^Tgid:\s*(\d+)$/m.exec(readFileSync(`/proc/${thread}/status`, 'latin1'))?.[1] ?? thread);
  } catch {
    return thread;
  }
}
