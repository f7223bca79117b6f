/**
 * Whether the peer still lives (wire protocol, Life and end). Every authentic packet is a sign of life; half of the
 * allowed silence asks for a HEARTBEAT, all of it ends the session.
 */
import { Timer, type Timers } from './timers.js';

export type LivenessVerdict = 'fine' | 'ask' | 'lost';

/** A timer that is late by less says that the process was busy, not that it was away. */
const SHORTEST_ABSENCE_NS = 1_000_000_000n;

export class PeerLiveness {
  readonly #timers: Timers;
  readonly #allowed: bigint;
  readonly #absence: bigint;
  #lastHeard: bigint;
  /** The `lastHeard` that a HEARTBEAT was already asked for. */
  #askedAfter: bigint | null = null;

  constructor(timers: Timers, allowed: bigint, now: bigint) {
    this.#timers = timers;
    this.#allowed = allowed;
    this.#absence = allowed / 4n > SHORTEST_ABSENCE_NS ? allowed / 4n : SHORTEST_ABSENCE_NS;
    this.#lastHeard = now;
    timers.set(Timer.PeerLiveness, now + allowed / 2n);
  }

  /** The hot path: no deadline moves, the timer finds out when it fires. */
  heard(now: bigint): void {
    this.#lastHeard = now;
  }

  /** Time in which nothing was read is not the peer's silence. */
  shiftDeadlines(ns: bigint): void {
    this.#lastHeard += ns;
  }

  /** To be called at each turn of the timers. */
  judge(now: bigint): LivenessVerdict {
    const deadline = this.#timers.deadline(Timer.PeerLiveness);
    if (deadline === null || deadline > now || this.#timers.paused) return 'fine';
    // A timer this late means that the process stood still, not the peer: one fresh chance, after one question.
    if (now - deadline > this.#absence) {
      this.#lastHeard = now - this.#allowed / 2n;
      return this.#ask();
    }
    const silence = now - this.#lastHeard;
    if (silence >= this.#allowed) return this.#timers.expired(Timer.PeerLiveness, now) ? 'lost' : 'fine';
    if (silence >= this.#allowed / 2n && this.#askedAfter !== this.#lastHeard) return this.#ask();
    const asked = this.#askedAfter === this.#lastHeard;
    this.#timers.set(Timer.PeerLiveness, this.#lastHeard + (asked ? this.#allowed : this.#allowed / 2n));
    return 'fine';
  }

  #ask(): LivenessVerdict {
    this.#askedAfter = this.#lastHeard;
    this.#timers.set(Timer.PeerLiveness, this.#lastHeard + this.#allowed);
    return 'ask';
  }
}
