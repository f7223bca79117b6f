/** Time that stands still until a test moves it, for what keeps time by Node's timers or in monotonic nanoseconds. */
import { checkMilliseconds } from '../base/arguments.js';
import { setImmediate, type TimerFunctions } from '../base/timers.js';

/** Turns of the event loop in which nothing may be under way before time goes on: an end is told some turns after its cause. */
const QUIET_TURNS = 8;

/** Where the clock begins, ms: a program's time is no 0 either. */
const BEGIN_MS = 1_000_000;

/** The clock of a virtual pair. */
export interface VirtualClock {
  /** ms since the pair was made. */
  readonly now: number;
  /**
   * Lets `ms` pass: every timer on the way fires at its time, and what comes of it is done before the next. Settles when all is
   * at rest. Calls wait for one another. Only the pair's own time moves: `Date.now()` and the program's timers don't.
   * @throws (rejects) PoolError ERR_INVALID_ARG_TYPE or ERR_OUT_OF_RANGE for what is no number of ms
   */
  advance(ms: number): Promise<void>;
}

/** The same, with what keeps its time by it. */
export class TestClock implements VirtualClock {
  #now = 0;
  #advancing: Promise<void> = Promise.resolve();
  readonly #armed = new Set<VirtualTimer>();
  /** Set by what has something under way that no timer shows. */
  #busy = 0;

  get now(): number {
    return this.#now;
  }

  /** Monotonic ns, as a node's clock. */
  readonly nanoseconds = (): bigint => BigInt(Math.round((BEGIN_MS + this.#now) * 1e6));

  readonly timers: TimerFunctions = {
    setTimeout: ((callback: (...args: unknown[]) => void, ms = 1, ...args: unknown[]) =>
      new VirtualTimer(this, this.#armed, ms, () => callback(...args))) as unknown as TimerFunctions['setTimeout'],
    clearTimeout: ((timer: VirtualTimer | undefined) => timer?.close()) as TimerFunctions['clearTimeout'],
    performance: { now: () => BEGIN_MS + this.#now },
  };

  advance(ms: number): Promise<void> {
    checkMilliseconds('advance', ms);
    this.#advancing = this.#advancing.then(() => this.#run(this.#now + ms));
    return this.#advancing;
  }

  /** Time stands still until `done` is called. */
  hold(): () => void {
    this.#busy += 1;
    return () => {
      this.#busy -= 1;
    };
  }

  async #run(end: number): Promise<void> {
    await this.#rest();
    for (let next = this.#next(end); next !== null; next = this.#next(end)) {
      this.#now = Math.max(this.#now, next.at);
      next.fire();
      await this.#rest();
    }
    this.#now = end;
  }

  /** The first timer that is due by `end`; of several at a time the one that was set first. */
  #next(end: number): VirtualTimer | null {
    let next: VirtualTimer | null = null;
    for (const timer of this.#armed) if (timer.at <= end && (next === null || timer.at < next.at)) next = timer;
    return next;
  }

  async #rest(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_TURNS; quiet = this.#busy > 0 ? 0 : quiet + 1) {
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }
}

/** What Node's `setTimeout` gives, as far as it is used. It never keeps the process alive. */
class VirtualTimer {
  at = 0;
  readonly #clock: TestClock;
  readonly #armed: Set<VirtualTimer>;
  readonly #ms: number;
  readonly #callback: () => void;

  constructor(clock: TestClock, armed: Set<VirtualTimer>, ms: number, callback: () => void) {
    this.#clock = clock;
    this.#armed = armed;
    this.#ms = Math.max(1, ms);
    this.#callback = callback;
    this.refresh();
  }

  refresh(): this {
    this.#armed.delete(this);
    this.at = this.#clock.now + this.#ms;
    this.#armed.add(this);
    return this;
  }

  fire(): void {
    this.#armed.delete(this);
    this.#callback();
  }

  close(): void {
    this.#armed.delete(this);
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}
