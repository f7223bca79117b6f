import { timerDelay, type Clock } from '../clock.js';
import { nodeTimers, type TimerFunctions } from '../../base/timers.js';

/**
 * One timer for a deadline that moves with every packet: it is not touched when the deadline moves away, but fires, finds
 * nothing due, and is armed again by its owner.
 */
export class DeadlineTimer {
  readonly #clock: Clock;
  readonly #fire: (now: bigint) => void;
  readonly #timers: TimerFunctions;
  #timer: NodeJS.Timeout | undefined;
  #armedFor = 0n;
  #referenced = true;

  /** `fire` is called with the time, perhaps before the deadline; it calls `within` again for what is still to come. */
  constructor(clock: Clock, fire: (now: bigint) => void, timers = nodeTimers) {
    this.#clock = clock;
    this.#fire = fire;
    this.#timers = timers;
  }

  /** Makes sure that the timer fires at `deadline` (monotonic ns) or before. Null asks for nothing. */
  within(deadline: bigint | null): void {
    if (deadline === null || (this.#timer !== undefined && this.#armedFor <= deadline)) return;
    this.#timers.clearTimeout(this.#timer);
    this.#armedFor = deadline;
    this.#timer = this.#timers.setTimeout(this.#fired, timerDelay(deadline, this.#clock()));
    if (!this.#referenced) this.#timer.unref();
  }

  /** Whether an armed timer keeps the process alive; it does at first. */
  reference(keepsAlive: boolean): void {
    this.#referenced = keepsAlive;
    if (keepsAlive) this.#timer?.ref();
    else this.#timer?.unref();
  }

  stop(): void {
    this.#timers.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  readonly #fired = (): void => {
    this.#timer = undefined;
    this.#fire(this.#clock());
  };
}
