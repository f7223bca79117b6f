/**
 * What an unproven connection may claim: its turn to be read, and time. A connection waits unread in its socket until it is
 * started; once it is, INIT and then RESPONSE have to come in time, and the fuller the house, the shorter that is. Where no
 * more may be pending, the oldest of the largest source gives way; and no source takes more than a part of the places that
 * are free, so that the next one always finds some. Pure: time is a parameter, sockets and timers are the listener's.
 */
import { isIPv6 } from 'node:net';
import { PoolError } from '../../base/errors.js';
import { ipToBytes, ipv6Words, isLinkLocal } from '../../base/ip.js';
import { TokenBucket } from '../../base/token-bucket.js';
import { nanoseconds, NS_PER_MS } from '../clock.js';
import { HANDSHAKE_LIMITS } from '../constants.js';
import type { HandshakeLimits } from '../types.js';

/** One pending connection. */
export interface Ticket {
  readonly source: string;
}

/** What becomes of a pending connection. Either is called at most once, and `refused` ends the ticket. */
export interface Entrant {
  /** It has its turn: read it. */
  start(ticket: Ticket): void;
  /** It must go, and why. */
  refused(reason: 'too-many-handshakes' | 'handshake-failed', error: PoolError): void;
}

/**
 * Where a connection stands. `started` is read since a moment ago; `silent` was read and had no complete INIT then;
 * `challenged` has sent INIT and owes RESPONSE.
 */
type Stage = 'waiting' | 'started' | 'silent' | 'challenged';

/** In which order connections of one source give way; within a stage the oldest is the first. */
const GIVES_WAY: readonly Stage[] = ['silent', 'waiting', 'started', 'challenged'];

class PendingConnection implements Ticket {
  stage: Stage = 'waiting';
  /** Monotonic ns of the arrival, and from the start on of that. */
  since: bigint;

  constructor(
    readonly of: AddressSource,
    /** Counts arrivals: the lower, the older. */
    readonly order: number,
    now: bigint,
    readonly entrant: Entrant,
  ) {
    this.since = now;
  }

  get source(): string {
    return this.of.name;
  }
}

/** Whom connections come from, as long as one of theirs is pending. Both sets are in order of age. */
class AddressSource {
  readonly waiting = new Set<PendingConnection>();
  readonly started = new Set<PendingConnection>();

  constructor(readonly name: string) {}

  get size(): number {
    return this.waiting.size + this.started.size;
  }

  oldest(stage: Stage): PendingConnection | null {
    for (const ticket of stage === 'waiting' ? this.waiting : this.started) if (ticket.stage === stage) return ticket;
    return null;
  }
}

const NS_IN_MS = Number(NS_PER_MS);

/** A source may start another connection while it has fewer than this part of the places that are free. */
const PARTS_OF_WHAT_IS_FREE = 4;

/** The admission of one listener. */
export class HandshakeAdmission {
  readonly #limits: HandshakeLimits;
  readonly #buckets: TokenBuckets;
  readonly #sources = new Map<string, AddressSource>();
  /** All that is read, and all that waits, each in order of age. */
  readonly #started = new Set<PendingConnection>();
  readonly #waiting = new Set<PendingConnection>();
  #challenged = 0;
  #arrivals = 0;
  #starting = false;

  constructor(limits: Partial<HandshakeLimits> = {}) {
    this.#limits = { ...HANDSHAKE_LIMITS, ...limits };
    this.#buckets = new TokenBuckets(this.#limits);
  }

  /** Connections without a session, the waiting ones among them. */
  get pending(): number {
    return this.#waiting.size + this.#started.size;
  }

  /** More handshakes are at work than is usual: sources are rationed. Who waits, or has said nothing, is no work. */
  get busy(): boolean {
    return this.#challenged > this.#limits.busyAbove;
  }

  /** Zero bits to ask of the next puzzle. */
  get difficulty(): number {
    return this.busy ? this.#limits.busyDifficulty : this.#limits.difficulty;
  }

  /**
   * A connection came from `address`. It is pending until `release`, or until `refused` is called. Either call may be
   * made before this returns, and for other connections too.
   */
  arrive(address: string, now: bigint, entrant: Entrant): Ticket {
    const name = sourceOf(address);
    let source = this.#sources.get(name);
    if (source === undefined) this.#sources.set(name, (source = new AddressSource(name)));
    const ticket = new PendingConnection(source, this.#arrivals++, now, entrant);
    source.waiting.add(ticket);
    this.#waiting.add(ticket);
    if (this.pending > this.#limits.pending) this.#giveWay(now);
    this.#startNext(now);
    return ticket;
  }

  /** The connection was read for a turn, and has not sent all of INIT: it is the first to give way from here on. */
  silent(ticket: Ticket): void {
    const pending = ticket as PendingConnection;
    if (pending.stage === 'started' && this.#started.has(pending)) pending.stage = 'silent';
  }

  /** INIT is here. */
  challenged(ticket: Ticket): void {
    const pending = ticket as PendingConnection;
    if (!this.#started.has(pending) || pending.stage === 'challenged') return;
    pending.stage = 'challenged';
    this.#challenged++;
  }

  /** The handshake is over, well or badly. A second call does nothing. */
  release(ticket: Ticket, now: bigint): void {
    if (this.#forget(ticket as PendingConnection)) this.#startNext(now);
  }

  /** Ends what is late, and starts those whose turn has come. Call it at `nextTime`. */
  proceed(now: bigint): void {
    // Each that goes leaves the others more time, and each that starts leaves them less.
    let ended: number;
    let started: number;
    do {
      ended = this.#endLate(now);
      started = this.#startNext(now);
    } while (ended > 0 && started > 0);
  }

  /**
   * How many. Who is released within its own start, since there is no room for its session, leaves its place to this same
   * loop: a call for each of them within the one before would be as deep as strangers are many.
   */
  #startNext(now: bigint): number {
    if (this.#starting) return 0;
    this.#starting = true;
    let count = 0;
    try {
      for (let next = this.#next(now); next !== null; next = this.#next(now), count++) {
        next.of.waiting.delete(next);
        this.#waiting.delete(next);
        next.stage = 'started';
        next.since = now;
        next.of.started.add(next);
        this.#started.add(next);
        next.entrant.start(next);
      }
    } finally {
      this.#starting = false;
    }
    return count;
  }

  /** Monotonic ns at which `proceed` has something to do, which each other call may bring nearer; null while nothing is pending. */
  nextTime(): bigint | null {
    let first: bigint | null = null;
    const due = (time: bigint): void => {
      if (first === null || time < first) first = time;
    };
    for (const ticket of this.#started) due(this.#deadline(ticket));
    for (const ticket of this.#waiting) {
      due(this.#deadline(ticket));
      break; // all wait equally long, so the oldest is the first
    }
    // Others wait for a place, and for nothing that comes with time.
    if (this.busy)
      for (const source of this.#sources.values())
        if (this.#mayStart(source)) due(this.#buckets.nextToken(source.name));
    return first;
  }

  /**
   * ms that `ticket` has in its stage, from when it was started, or from its arrival while it waits. Whole up to half of the
   * places, of all or of its source; from there on down to the least, when none is left.
   */
  #patience({ stage, of }: PendingConnection): number {
    const { queueTimeout, initTimeout, minInitTimeout, timeout, minTimeout, started } = this.#limits;
    if (stage === 'waiting') return queueTimeout;
    const load = Math.max(this.#started.size / started, of.started.size / this.#share);
    const [most, least] = stage === 'challenged' ? [timeout, minTimeout] : [initTimeout, minInitTimeout];
    if (load <= 0.5 || least >= most) return most;
    return most - (most - least) * Math.min(1, 2 * load - 1);
  }

  #deadline(ticket: PendingConnection): bigint {
    return ticket.since + nanoseconds(this.#patience(ticket));
  }

  #isLate(ticket: PendingConnection, now: bigint): boolean {
    return Number(now - ticket.since) >= this.#patience(ticket) * NS_IN_MS;
  }

  /** From the oldest on. How many. */
  #endLate(now: bigint): number {
    let count = 0;
    for (const ticket of this.#started) {
      // What was started this turn may have INIT in its socket.
      if (ticket.stage === 'started' || !this.#isLate(ticket, now)) continue;
      this.#end(ticket, 'handshake-failed', this.#late(ticket, now));
      count++;
    }
    for (const ticket of this.#waiting) {
      if (!this.#isLate(ticket, now)) break;
      this.#end(ticket, 'too-many-handshakes', this.#late(ticket, now));
      count++;
    }
    return count;
  }

  #end(ticket: PendingConnection, reason: Parameters<Entrant['refused']>[0], error: PoolError): void {
    this.#forget(ticket);
    ticket.entrant.refused(reason, error);
  }

  #late(ticket: PendingConnection, now: bigint): PoolError {
    const { stage, of, since } = ticket;
    const ms = (now - since) / NS_PER_MS;
    const crowd = `${this.#started.size} handshakes are under way, ${of.started.size} of them from its address`;
    const what =
      stage === 'waiting'
        ? `it waited ${ms} ms for its turn`
        : `no ${stage === 'challenged' ? 'RESPONSE' : 'INIT'} within ${ms} ms`;
    return new PoolError('ERR_POOL_TIMEOUT', `${what}; ${crowd}`);
  }

  /** One too many is pending: the largest source loses one; of several as large, the one whose turn it is by stage and age. */
  #giveWay(now: bigint): void {
    let size = 0;
    for (const source of this.#sources.values()) size = Math.max(size, source.size);
    let victim: PendingConnection | null = null;
    for (const stage of GIVES_WAY) {
      for (const source of this.#sources.values()) {
        const oldest = source.size === size ? source.oldest(stage) : null;
        if (oldest !== null && (victim === null || oldest.order < victim.order)) victim = oldest;
      }
      if (victim !== null) break;
    }
    if (victim === null) return;
    const ms = (now - victim.since) / NS_PER_MS;
    const doing = victim.stage === 'waiting' ? 'waiting for its turn' : `${ms} ms of its handshake`;
    const crowd = `${this.#limits.pending} are pending, and its address has the most`;
    const error = new PoolError('ERR_POOL_TIMEOUT', `it gave way to another connection after ${doing}: ${crowd}`);
    this.#end(victim, 'too-many-handshakes', error);
  }

  /** Whose turn it is: of the sources that may start one, the one with the fewest started; of several, the oldest to wait. */
  #next(now: bigint): PendingConnection | null {
    if (this.#waiting.size === 0 || this.#started.size >= this.#limits.started) return null;
    const { busy } = this;
    let best: PendingConnection | null = null;
    for (const source of this.#sources.values()) {
      if (!this.#mayStart(source) || (busy && this.#buckets.nextToken(source.name) > now)) continue;
      const ticket = source.oldest('waiting')!;
      const less = best === null ? -1 : source.started.size - best.of.started.size;
      if (best === null || less < 0 || (less === 0 && ticket.order < best.order)) best = ticket;
    }
    if (busy && best !== null) this.#buckets.take(best.source, now);
    return best;
  }

  /** How many of one source may be started now: some places stay free for others, as long as there are fewer sources than places. */
  get #share(): number {
    const { started, startedPerAddress } = this.#limits;
    const part = Math.floor((started - this.#started.size) / PARTS_OF_WHAT_IS_FREE);
    return Math.max(1, Math.min(startedPerAddress, part));
  }

  #mayStart({ waiting, started }: AddressSource): boolean {
    return waiting.size > 0 && started.size < this.#share && this.#started.size < this.#limits.started;
  }

  #forget(ticket: PendingConnection): boolean {
    if (!this.#waiting.delete(ticket) && !this.#started.delete(ticket)) return false;
    if (ticket.stage === 'challenged') this.#challenged--;
    const { of } = ticket;
    of.waiting.delete(ticket);
    of.started.delete(ticket);
    if (of.size === 0) this.#sources.delete(of.name);
    return true;
  }
}

/** A token bucket for each source that has taken from its own. */
class TokenBuckets {
  readonly #rate: number;
  readonly #burst: number;
  readonly #sweepAbove: number;
  readonly #buckets = new Map<string, TokenBucket>();

  constructor({ rate, burst, pending }: HandshakeLimits) {
    this.#rate = rate;
    this.#burst = burst;
    this.#sweepAbove = 2 * pending;
  }

  take(source: string, now: bigint): void {
    let bucket = this.#buckets.get(source);
    if (bucket === undefined) this.#buckets.set(source, (bucket = new TokenBucket(this.#rate, this.#burst)));
    bucket.take(now);
    if (this.#buckets.size > this.#sweepAbove) this.#sweep(now);
  }

  /** Monotonic ns at which `source` has a token; it may be past. */
  nextToken(source: string): bigint {
    return this.#buckets.get(source)?.nextToken ?? 0n;
  }

  /** A full bucket says nothing that an absent one doesn't. */
  #sweep(now: bigint): void {
    for (const [source, bucket] of this.#buckets) if (bucket.isFull(now)) this.#buckets.delete(source);
  }
}

/**
 * Whom an address stands for. A host on IPv6 has the 2^64 addresses of its network to choose from, so they count as one;
 * link-local addresses (fe80::/10) share a network with all neighbours and count each for itself.
 */
export function sourceOf(address: string): string {
  if (!isIPv6(address) || isLinkLocal(ipToBytes(address))) return address;
  const network = ipv6Words(address).slice(0, 4);
  return `${network.map((word) => word.toString(16)).join(':')}::/64`;
}
