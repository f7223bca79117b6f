/**
 * Deadlines as data: nothing here sleeps. Timers that judge the peer stand still while its socket is not read, and pass
 * their verdict in two steps, so that after a suspended machine or a busy event loop the socket is read first.
 */
import { VERDICT_GRACE_NS } from './constants.js';

export const Timer = Object.freeze({
  Heartbeat: 0,
  Rekey: 1,
  /** Drop the keys from before a REKEY. */
  OldKeys: 2,
  /** Look how long the peer has been silent. */
  PeerLiveness: 3,
  /** The oldest message in reassembly is late. */
  Fragments: 4,
  /** The packet that has begun is late. */
  Packet: 5,
});
export type Timer = (typeof Timer)[keyof typeof Timer];

/** Parts of the time between two heartbeats in which all of them that fall into it go out together. */
const HEARTBEAT_PARTS = 20n;

/**
 * When the next HEARTBEAT is due: a twentieth of the interval early at most, at a time that sessions of one node share, so
 * that a process with many idle ones wakes for some of them at once.
 */
export function nextHeartbeat(now: bigint, interval: bigint): bigint {
  const due = now + interval;
  const part = interval / HEARTBEAT_PARTS;
  return part === 0n ? due : due - (due % part);
}

const COUNT = 6;
const FIRST_JUDGING: number = Timer.OldKeys;

export class Timers {
  readonly #deadlines: (bigint | null)[] = Array.from({ length: COUNT }, () => null);
  /** The deadline passed once; the next time counts. */
  readonly #warned: boolean[] = Array.from({ length: COUNT }, () => false);
  #pausedAt: bigint | null = null;

  get paused(): boolean {
    return this.#pausedAt !== null;
  }

  set(timer: Timer, deadline: bigint): void {
    this.#deadlines[timer] = deadline;
    this.#warned[timer] = false;
  }

  stop(timer: Timer): void {
    this.#deadlines[timer] = null;
  }

  stopAll(): void {
    this.#deadlines.fill(null);
  }

  deadline(timer: Timer): bigint | null {
    return this.#deadlines[timer] ?? null;
  }

  /** The earliest deadline of those that run. */
  next(): bigint | null {
    let earliest: bigint | null = null;
    const running = this.#pausedAt === null ? COUNT : FIRST_JUDGING;
    for (let timer = 0; timer < running; timer++) {
      const deadline = this.#deadlines[timer] ?? null;
      if (deadline !== null && (earliest === null || deadline < earliest)) earliest = deadline;
    }
    return earliest;
  }

  /** Whether it is time to act; stops the timer then. A judging timer asks for one more turn first. */
  expired(timer: Timer, now: bigint): boolean {
    const deadline = this.#deadlines[timer] ?? null;
    if (deadline === null || deadline > now) return false;
    if (timer >= FIRST_JUDGING) {
      if (this.#pausedAt !== null) return false;
      if (!this.#warned[timer]) {
        this.#warned[timer] = true;
        this.#deadlines[timer] = now + VERDICT_GRACE_NS;
        return false;
      }
    }
    this.#deadlines[timer] = null;
    return true;
  }

  /** The socket is not read from here on. */
  pause(now: bigint): void {
    this.#pausedAt ??= now;
  }

  /** It is read again: judging deadlines move by the time between. Returns that time, ns. */
  resume(now: bigint): bigint {
    if (this.#pausedAt === null) return 0n;
    const shiftDeadlines = now - this.#pausedAt;
    this.#pausedAt = null;
    for (let timer = FIRST_JUDGING; timer < COUNT; timer++) {
      const deadline = this.#deadlines[timer] ?? null;
      if (deadline !== null) this.#deadlines[timer] = deadline + shiftDeadlines;
    }
    return shiftDeadlines;
  }
}
