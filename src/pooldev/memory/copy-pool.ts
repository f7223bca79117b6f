/**
 * The copying threads: one to begin with, another whenever all of them are busy, up to a bound, and a time after which a
 * copy that hangs is given up. A caller that backs its buffer with memory that never answers hurts only itself: its process
 * has one thread at a time, which is replaced when it hangs, and the process gets no other as long as it does.
 */
import { type CopyChannel, CopyState, copyChannel, Direction, CopyWord } from './copy-channel.js';
import { CopyQueue } from './copy-queue.js';
import type { Copy } from './caller-memory.js';
import { Errno } from '../../base/errno.js';

/** Threads that serve, those not counted that are stuck. One process has a quarter of them: one. */
const MAX_THREADS = 4;

/** Threads that may be stuck before no more are started in their place: each is a process that does harm, and 9 MiB of ours. */
const MAX_STUCK = 12;

/** ms; a copy of 64 KiB takes about 0.02. */
const COPY_TIMEOUT = 1000;

/** ms that a copy waits for a thread before another thread is started. */
const PATIENCE = 20;

/** ms after which a thread counts as stuck in its copy, for now, and others may be started in its place. */
const STUCK = 100;

export interface CopyTicket {
  /** The calling thread. */
  pid: number;
  /** The process that the thread belongs to. Costs a read of /proc the first time. */
  process(): number;
  /** The open file that stands for the caller's thread. */
  pin: number;
  address: bigint;
  length: number;
  direction: number;
}

/**
 * Starts a thread that runs `runCopyThread` over the shared memory; `done` is called when it finished a copy. Throws where the
 * system has no thread to give (pids.max, RLIMIT_NPROC).
 */
export type StartCopyThread = (shared: SharedArrayBuffer, done: () => void) => CopyThreadHandle;

export interface CopyThreadHandle {
  ready: Promise<void>;
  stop(): void;
}

class Job {
  readonly ticket: CopyTicket;
  /** What is to be written; kept because the shared memory may be another job's until it is this one's turn. */
  bytes: Uint8Array | undefined;
  done: ((error: number, bytes: Buffer) => void) | null;
  timer: NodeJS.Timeout | undefined;

  constructor(ticket: CopyTicket, bytes: Uint8Array | undefined, done: (error: number, bytes: Buffer) => void) {
    this.ticket = ticket;
    this.bytes = bytes;
    this.done = done;
  }

  get process(): number {
    return this.ticket.process();
  }
}

interface Thread {
  channel: CopyChannel;
  job: Job | null;
  /** ms, by `performance.now`, when it was given its job. */
  since: number;
  /** Its copy was given up, and never came to an end. */
  hanging: boolean;
  handle: CopyThreadHandle;
}

export interface CopyPoolOptions {
  /** ms. */
  timeout?: number;
}

export class CopyPool {
  readonly #start: StartCopyThread;
  readonly #timeout: number;
  readonly #threads: Thread[] = [];
  readonly #waiting = new CopyQueue<Job>();
  #patience: NodeJS.Timeout | undefined;
  /** No copy begins any more. */
  #stopped = false;
  #closed = false;
  #quiet: (() => void) | null = null;
  /** The first thread runs. Rejects where it can't be started. */
  readonly ready: Promise<void>;

  constructor(start: StartCopyThread, { timeout = COPY_TIMEOUT }: CopyPoolOptions = {}) {
    this.#start = start;
    this.#timeout = timeout;
    this.ready = this.#addThread().handle.ready;
  }

  copy(ticket: CopyTicket, bytes: Uint8Array | undefined, done: (error: number, bytes: Buffer) => void): Copy {
    if (this.#stopped || this.#hangs(ticket)) {
      done(-Errno.EFAULT, Buffer.alloc(0));
      return { cancel: () => false };
    }
    const job = new Job(ticket, bytes, done);
    job.timer = setTimeout(() => this.#giveUp(job), this.#timeout);
    const idle = this.#threads.find((thread) => thread.job === null);
    if (idle !== undefined && !this.#isServed(ticket)) this.#run(idle, job);
    else this.#wait(job);
    return { cancel: () => this.#cancel(job) };
  }

  /**
   * From now on no copy begins. What has not begun never will, and nobody is told: the device is about to answer all its callers,
   * who use their memory for something else then.
   */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#patience);
    for (const job of this.#waiting.drain()) this.#forget(job);
    for (const { job } of this.#threads) if (job !== null) this.#cancel(job);
  }

  /** Stops, and settles when the copies that had begun are done, or given up. */
  async quiet(): Promise<void> {
    this.stop();
    await new Promise<void>((resolve) => {
      this.#quiet = resolve;
      this.#tellQuiet();
    });
  }

  close(): void {
    this.stop();
    this.#closed = true;
    for (const thread of this.#threads) {
      Atomics.store(thread.channel.words, CopyWord.STATE, CopyState.STOP);
      Atomics.notify(thread.channel.words, CopyWord.STATE);
      thread.handle.stop();
    }
  }

  #tellQuiet(): void {
    if (this.#threads.every(({ job, hanging }) => job === null || hanging)) this.#quiet?.();
  }

  /** Whether a thread is at work for the same process, or hangs in its memory. Nobody's process is asked for where none is. */
  #isServed(ticket: CopyTicket): boolean {
    return this.#threads.some(({ job }) => job !== null && isSameProcess(job.ticket, ticket));
  }

  #hangs(ticket: CopyTicket): boolean {
    return this.#threads.some(({ job, hanging }) => hanging && job !== null && isSameProcess(job.ticket, ticket));
  }

  readonly #mayServe = (process: number): boolean =>
    this.#threads.every(({ job }) => job === null || job.process !== process);

  get #mayGrow(): boolean {
    const now = performance.now();
    const isStuck = ({ job, since, channel }: Thread): boolean =>
      job !== null && now - since >= STUCK && Atomics.load(channel.words, CopyWord.STATE) === CopyState.RUNNING;
    const stuck = this.#threads.filter(isStuck).length;
    return this.#threads.length - Math.min(stuck, MAX_STUCK) < MAX_THREADS;
  }

  #addThread(): Thread {
    const channel = copyChannel();
    const handle = this.#start(channel.shared, () => this.#finish(thread));
    const thread: Thread = { channel, job: null, since: 0, hanging: false, handle };
    this.#threads.push(thread);
    return thread;
  }

  /** A thread that can't be started leaves its copy to the others, or to the timeout. */
  #lose(thread: Thread): void {
    this.#threads.splice(this.#threads.indexOf(thread), 1);
    if (thread.job !== null && !this.#stopped) this.#waiting.push(thread.job);
    this.#next();
  }

  #run(thread: Thread, job: Job): void {
    const { words, address, data } = thread.channel;
    const { ticket, bytes } = job;
    thread.job = job;
    thread.since = performance.now();
    words[CopyWord.PID] = ticket.pid;
    words[CopyWord.PIN] = ticket.pin;
    words[CopyWord.LENGTH] = ticket.length;
    words[CopyWord.DIRECTION] = ticket.direction;
    address[0] = ticket.address;
    if (bytes !== undefined && ticket.direction === Direction.TO_CALLER) data.set(bytes);
    Atomics.store(words, CopyWord.STATE, CopyState.ASKED);
    Atomics.notify(words, CopyWord.STATE);
  }

  #wait(job: Job): void {
    // `write` promises to take the bytes at once.
    if (job.bytes !== undefined) job.bytes = Uint8Array.from(job.bytes);
    this.#waiting.push(job);
    this.#growSoon();
  }

  #growSoon(): void {
    if (this.#patience !== undefined || !this.#waiting.has(this.#mayServe)) return;
    this.#patience = setTimeout(() => {
      this.#patience = undefined;
      this.#grow();
    }, PATIENCE);
  }

  #grow(): void {
    if (this.#stopped || !this.#waiting.has(this.#mayServe)) return;
    if (this.#mayGrow) this.#addOneMore();
    // The new one may come to hang as well, those at work to count as stuck, and the system to have a thread again.
    this.#growSoon();
  }

  #addOneMore(): void {
    let thread: Thread;
    try {
      thread = this.#addThread();
    } catch {
      // Thrown on, it would end the device's own thread, and everybody's sessions with it.
      return;
    }
    thread.handle.ready.catch(() => this.#lose(thread));
    this.#next();
  }

  #next(): void {
    for (const thread of this.#threads) {
      if (this.#waiting.isEmpty) return;
      if (thread.job !== null) continue;
      const job = this.#waiting.take(this.#mayServe);
      if (job === undefined) return;
      this.#run(thread, job);
    }
  }

  #finish(thread: Thread): void {
    const { words, data } = thread.channel;
    if (this.#closed || Atomics.load(words, CopyWord.STATE) !== CopyState.DONE) return;
    const job = thread.job;
    const result = words[CopyWord.RESULT] ?? -Errno.EIO;
    Atomics.store(words, CopyWord.STATE, CopyState.IDLE);
    // The bytes stand in the shared memory: they are used before the next job may have it.
    if (job !== null) this.#settle(job, result, data.subarray(0, job.ticket.length));
    thread.job = null;
    thread.hanging = false;
    this.#next();
    this.#tellQuiet();
  }

  /** The thread stays with its copy; its caller is answered. Its own memory hangs, so what comes later is its own doing. */
  #giveUp(job: Job): void {
    const thread = this.#threads.find((candidate) => candidate.job === job);
    const state = thread === undefined ? null : Atomics.load(thread.channel.words, CopyWord.STATE);
    // This thread was busy, and the copy is done: its message is behind this timer.
    if (thread !== undefined && state === CopyState.DONE) return this.#finish(thread);
    // It has not begun: the thread is about to start, which takes a busy machine more than a second, or was not scheduled.
    if (state === CopyState.ASKED) {
      job.timer = setTimeout(() => this.#giveUp(job), this.#timeout);
      return;
    }
    const failed = [job];
    if (thread === undefined) {
      this.#waiting.remove(job);
    } else {
      thread.hanging = true;
      failed.push(...this.#waiting.drain(job.process));
    }
    for (const one of failed) this.#settle(one, -Errno.EFAULT, Buffer.alloc(0));
    this.#grow();
    this.#tellQuiet();
  }

  #cancel(job: Job): boolean {
    if (this.#waiting.remove(job)) {
      this.#forget(job);
      return true;
    }
    const thread = this.#threads.find((candidate) => candidate.job === job);
    if (thread === undefined) return false;
    const { words } = thread.channel;
    const was = Atomics.compareExchange(words, CopyWord.STATE, CopyState.ASKED, CopyState.IDLE);
    if (was !== CopyState.ASKED) return false;
    thread.job = null;
    this.#forget(job);
    this.#next();
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

function isSameProcess(one: CopyTicket, other: CopyTicket): boolean {
  return one.pid === other.pid || one.process() === other.process();
}
