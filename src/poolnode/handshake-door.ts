import { HandshakeAdmission, type Ticket } from './admission.js';
import type { Clock } from './clock.js';
import type { HandshakeLimits } from './constants.js';
import { DeadlineTimer } from './deadline-timer.js';

/** The node's one {@link HandshakeAdmission}, shared by its listeners, with the timer that lets the waiting in. */
export class HandshakeDoor {
  readonly #admission: HandshakeAdmission;
  readonly #clock: Clock;
  readonly #timer: DeadlineTimer;

  constructor(clock: Clock, limits: Partial<HandshakeLimits> = {}) {
    this.#clock = clock;
    this.#admission = new HandshakeAdmission(limits);
    this.#timer = new DeadlineTimer(clock, (now) => {
      this.#admission.proceed(now);
      this.#timer.within(this.#admission.nextTime());
    });
    this.#timer.reference(false);
  }

  /** Zero bits to ask of the next puzzle. */
  get difficulty(): number {
    return this.#admission.difficulty;
  }

  /** Null: refuse the connection. Otherwise `start` is called, now or later, and `leave` is owed. */
  enter(address: string, start: (ticket: Ticket) => void): Ticket | null {
    const ticket = this.#admission.arrive(address, this.#clock(), start);
    this.#timer.within(this.#admission.nextTime());
    return ticket;
  }

  leave(ticket: Ticket): void {
    this.#admission.release(ticket, this.#clock());
  }
}
