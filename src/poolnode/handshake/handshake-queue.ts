import { setImmediate } from '../../base/timers.js';
import { HandshakeAdmission, type Entrant, type Ticket } from './admission.js';
import type { Clock } from '../clock.js';
import { DeadlineTimer } from '../session/deadline-timer.js';
import type { HandshakeLimits } from '../types.js';

/** A listener's {@link HandshakeAdmission}, with the timer that lets the waiting in and ends the late. */
export class HandshakeQueue {
  readonly #admission: HandshakeAdmission;
  readonly #clock: Clock;
  readonly #timer: DeadlineTimer;
  #arming = false;

  constructor(clock: Clock, limits: Partial<HandshakeLimits> = {}) {
    this.#clock = clock;
    this.#admission = new HandshakeAdmission(limits);
    this.#timer = new DeadlineTimer(clock, () => {
      // A process that stood still reads first: INIT may be in the socket of who seems to be late.
      afterReading(() => {
        this.#admission.proceed(this.#clock());
        this.#arm();
      });
    });
    this.#timer.reference(false);
  }

  /** Zero bits to ask of the next puzzle. */
  get difficulty(): number {
    return this.#admission.difficulty;
  }

  /** Connections without a session, those that wait for their turn among them. */
  get pending(): number {
    return this.#admission.pending;
  }

  /** `entrant` hears of its turn, or why it gets none; either may be before this returns. `leave` is owed. */
  enter(address: string, entrant: Entrant): Ticket {
    const ticket = this.#admission.arrive(address, this.#clock(), {
      start: (started) => {
        entrant.start(started);
        afterReading(() => this.#admission.silent(started));
      },
      refused: (reason, error) => entrant.refused(reason, error),
    });
    this.#arm();
    return ticket;
  }

  /** INIT is here. */
  challenged(ticket: Ticket): void {
    this.#admission.challenged(ticket);
  }

  leave(ticket: Ticket): void {
    this.#admission.release(ticket, this.#clock());
    this.#arm();
  }

  /** Once a turn of the event loop, whatever comes and goes in it. */
  #arm(): void {
    if (this.#arming) return;
    this.#arming = true;
    setImmediate(() => {
      this.#arming = false;
      this.#timer.within(this.#admission.nextTime());
    });
  }
}

/** After the next turn in which sockets are read. Both are referenced: others would wait until something wakes the loop. */
function afterReading(then: () => void): void {
  setImmediate(() => void setImmediate(then));
}
