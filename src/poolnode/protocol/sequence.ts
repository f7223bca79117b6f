/**
 * Sequence numbers: 64 bits (wire protocol, Sequence numbers). Counting, which each packet does, works on two words; what is
 * rare, and compares distances, on bigint.
 */
import { PoolError } from '../../base/errors.js';
import { LIMITS } from './constants.js';
import { violation } from './faults.js';
import { Words } from './words.js';

/** Marks the fault that a new draw of numbers cures. */
const collisions = new WeakSet<PoolError>();

/** Whether a handshake or session ended because the two sides' numbers came too near: dial again, with a new draw. */
export function isSequenceCollision(error: unknown): boolean {
  return error instanceof PoolError && collisions.has(error);
}

function collision(): PoolError {
  const error = violation("the peer's sequence numbers came within 2^33 of this side's; a new session draws new ones");
  collisions.add(error);
  return error;
}

/** The numbers of this side: one more per packet, through handshake and every REKEY, never twice. */
export class OwnSequence {
  readonly first: bigint;
  readonly #first = new Words();
  readonly #next = new Words();
  #usedUp = false;

  constructor(first: bigint) {
    if (first < 0n || first > LIMITS.maxSequence) {
      throw new PoolError('ERR_OUT_OF_RANGE', `initialSequence is an unsigned number of 64 bits, not ${first}`);
    }
    this.first = first;
    this.#first.set(first);
    this.#next.set(first);
  }

  /** The number that the next packet gets. */
  get next(): bigint {
    return this.#usedUp ? LIMITS.maxSequence + 1n : this.#next.value;
  }

  /** Throws ERR_POOL_PROTOCOL instead of wrapping: a number used twice under one key gives the key away. */
  take(): bigint {
    const taken = new Words();
    this.takeInto(taken);
    return taken.value;
  }

  /** As `take`. */
  takeInto(taken: Words): void {
    if (this.#usedUp) {
      throw new PoolError('ERR_POOL_PROTOCOL', 'this side has used up its 64-bit sequence numbers; dial again');
    }
    taken.put(this.#next.high, this.#next.low);
    this.#next.increment();
    this.#usedUp = this.#next.is(0, 0);
  }

  /** Whether this side sent a packet of that number. */
  sent(seq: bigint): boolean {
    return seq >= this.first && seq < this.next;
  }

  /** As `sent`. */
  sentWords(high: number, low: number): boolean {
    if (this.#first.isBelow(high, low) || this.#first.is(high, low)) {
      return this.#usedUp || !(this.#next.isBelow(high, low) || this.#next.is(high, low));
    }
    return false;
  }

  /** Whether `seq` lies within LIMITS.sequenceDistance of the numbers that were sent. */
  near(seq: bigint): boolean {
    return seq > this.first - LIMITS.sequenceDistance && seq < this.next + LIMITS.sequenceDistance;
  }
}

/**
 * The peer's numbers. Over TCP anything but last + 1 is a fault: a replay, a loss, a reordering. The exception is the jump
 * of a module to a new random base when it changes keys, allowed once per REKEY; it goes far, so that a gap is never taken
 * for one. A number that this side sent itself is its own packet come back: one key serves both directions.
 */
export class PeerSequence {
  readonly #own: OwnSequence;
  #last: bigint;
  /** The number that ought to come: last + 1. */
  readonly #next = new Words();
  /** Whether `#last` is behind `#next`, having been left as it was by `acceptNext`. */
  #lastIsBehind = false;
  #mayJump = false;
  #packetsUnderNewKeys = 0;

  /** `base` is the number of the first packet whose HMAC was right; it is still to be accepted. */
  constructor(own: OwnSequence, base: bigint) {
    if (own.near(base)) throw collision();
    this.#own = own;
    this.#last = base - 1n;
    this.#next.set(base);
  }

  /** The last number accepted. */
  get last(): bigint {
    if (this.#lastIsBehind) {
      this.#last = this.#next.value - 1n;
      this.#lastIsBehind = false;
    }
    return this.#last;
  }

  /** A REKEY is under way: the peer may jump, at the latest with its second packet under new keys. */
  expectJump(): void {
    this.#mayJump = true;
    this.#packetsUnderNewKeys = 0;
  }

  /** The usual case, without a bigint: accepts the number that ought to come while no jump may. False: ask `accept`. */
  acceptNext(high: number, low: number): boolean {
    if (this.#mayJump || !this.#next.is(high, low) || this.#own.sentWords(high, low)) return false;
    // Behind the last number of all none may come, and words would begin anew.
    if (this.#last === LIMITS.maxSequence || (low === 0xffff_ffff && high === 0xffff_ffff)) return false;
    this.#next.increment();
    this.#lastIsBehind = true;
    return true;
  }

  /** Accepts the number of an authentic packet or throws. `newKeys`: the packet came under keys of the REKEY under way. */
  accept(seq: bigint, newKeys: boolean): void {
    if (this.#own.sent(seq)) throw violation('a packet of this side came back to it');
    const { last } = this;
    if (seq !== last + 1n) this.#jump(seq, last);
    this.#last = seq;
    this.#next.set(seq + 1n);
    if (newKeys && this.#mayJump && ++this.#packetsUnderNewKeys === 2) this.#mayJump = false;
  }

  #jump(seq: bigint, last: bigint): void {
    const distance = seq > last ? seq - last : last - seq;
    if (!this.#mayJump || distance < LIMITS.sequenceDistance) {
      throw violation(
        seq <= last
          ? 'a packet came again or too late: its sequence number was already passed'
          : 'packets are missing: the sequence number is not the next one',
      );
    }
    if (this.#own.near(seq)) throw collision();
    this.#mayJump = false;
  }
}
