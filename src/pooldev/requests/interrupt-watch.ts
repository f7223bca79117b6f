/**
 * Calls whose caller got a signal and which wait all the same. FUSE tells of the first signal of a call and of none that
 * comes later, a SIGKILL included: so they are looked at again as long as they wait.
 */
import type { Interruption } from './device-call.js';
import type { PendingSignals } from './pending-signals.js';

/** ms between two looks. */
const LOOK_INTERVAL = 50;

/** Calls looked at each time, 0.05 ms each: a thousand of them at once must not stop everybody else. */
const LOOKS_A_TIME = 32;

export interface InterruptedCall {
  readonly caller: { pid: number };
  interrupt(interruption: Interruption): void;
}

export class InterruptWatch<Call extends InterruptedCall> {
  readonly #signals: (thread: number) => PendingSignals;
  /** ms, by `performance.now`, since which each call is interrupted; the one looked at longest ago first. */
  readonly #since = new Map<Call, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(signals: (thread: number) => PendingSignals) {
    this.#signals = signals;
  }

  /** INTERRUPT came for it. */
  add(call: Call): void {
    if (this.#since.has(call)) return;
    this.#since.set(call, performance.now());
    this.#timer ??= setInterval(() => this.#look(), LOOK_INTERVAL);
    this.#interrupt(call, 0);
  }

  drop(call: Call): void {
    this.#since.delete(call);
    if (this.#since.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    for (const [call, since] of [...this.#since].slice(0, LOOKS_A_TIME)) {
      if (!this.#since.delete(call)) continue;
      this.#since.set(call, since);
      this.#interrupt(call, performance.now() - since);
    }
  }

  #interrupt(call: Call, age: number): void {
    let seen: PendingSignals | undefined;
    call.interrupt({ age, signals: () => (seen ??= this.#signals(call.caller.pid)) });
  }
}
