/**
 * Operations that wait in line: first come, first served, each with an optional AbortSignal, all under one deadline.
 * What a signal or the deadline ends leaves the line at once, and no listener stays behind on the signal.
 */
import { type Abortable, listenForAbort, unlisten } from '../../base/abort.js';
import { nodeTimers } from '../../base/timers.js';
import { Deadline } from './deadline.js';

/** One operation that waits for a `T`. */
export class Waiter<T> implements Abortable {
  readonly promise: Promise<T>;
  resolve!: (value: T) => void;
  reject!: (error: unknown) => void;
  /** Null before it waits, and again once it is settled. */
  line: Line<T> | null = null;
  previous: Waiter<T> | null = null;
  next: Waiter<T> | null = null;
  signal: AbortSignal | null = null;

  /** @param op what errors call it: `read`, `accept` */
  constructor(readonly op: string) {
    this.promise = new Promise<T>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  /** The waiter itself listens to its signal, so that no closure is made for it. */
  aborted(signal: AbortSignal): void {
    this.line?.abandon(this, signal.reason);
  }
}

/** What a waiter needs to know of its line. */
interface Line<T> {
  abandon(waiter: Waiter<T>, error: unknown): void;
}

export interface WaitersOptions<W> {
  /** The error of a waiter that the deadline ends. */
  timedOut(waiter: W): Error;
  /**
   * The signal or the deadline wants the waiter to end with `error`. The default removes it from the line and rejects;
   * an owner who gives its own must do the first and settle it somehow.
   */
  abandon?(waiter: W, error: unknown): void;
}

export class Waiters<T, W extends Waiter<T> = Waiter<T>> {
  readonly deadline: Deadline;
  readonly #options: WaitersOptions<W>;
  #first: Waiter<T> | null = null;
  #last: Waiter<T> | null = null;

  constructor(options: WaitersOptions<W>, timers = nodeTimers) {
    this.#options = options;
    this.deadline = new Deadline(() => this.#deadlinePassed(), timers);
  }

  get first(): W | null {
    return this.#first as W | null;
  }

  get empty(): boolean {
    return this.#first === null;
  }

  /** Puts a waiter at the end. A signal that has fired already is the caller's to ask for, before this. */
  add(waiter: W, signal?: AbortSignal): Promise<T> {
    waiter.line = this;
    waiter.previous = this.#last;
    if (this.#last === null) this.#first = waiter;
    else this.#last.next = waiter;
    this.#last = waiter;
    if (signal !== undefined) {
      waiter.signal = signal;
      listenForAbort(signal, waiter);
    }
    if (this.#first === waiter) this.deadline.watch();
    return waiter.promise;
  }

  /** Takes a waiter out of the line, settled or not; what was removed is not removed again. */
  remove(waiter: W): void {
    if (waiter.line === null) return;
    waiter.line = null;
    if (waiter.previous === null) this.#first = waiter.next;
    else waiter.previous.next = waiter.next;
    if (waiter.next === null) this.#last = waiter.previous;
    else waiter.next.previous = waiter.previous;
    waiter.previous = null;
    waiter.next = null;
    if (waiter.signal !== null) unlisten(waiter.signal, waiter);
    waiter.signal = null;
    if (this.#first === null) this.deadline.unwatch();
  }

  resolve(waiter: W, value: T): void {
    this.remove(waiter);
    waiter.resolve(value);
  }

  reject(waiter: W, error: unknown): void {
    this.remove(waiter);
    waiter.reject(error);
  }

  /** Rejects all that wait, in their order. */
  rejectAll(error: (waiter: W) => unknown): void {
    for (let waiter = this.first; waiter !== null; waiter = this.first) this.reject(waiter, error(waiter));
  }

  /** A signal fired, or the deadline passed. */
  abandon(waiter: W, error: unknown): void {
    if (this.#options.abandon === undefined) this.reject(waiter, error);
    else this.#options.abandon(waiter, error);
  }

  #deadlinePassed(): void {
    for (let waiter = this.first; waiter !== null; waiter = this.first) {
      this.abandon(waiter, this.#options.timedOut(waiter));
    }
  }
}
