/**
 * What an unproven connection may claim (testing plan, weakness 5.10): how many handshakes are pending, from one source and
 * in all; how fast one source may start them while many are; and how hard their puzzles are. Pure: time is a parameter,
 * sockets and timers are the listener's.
 */
import { isIPv6 } from 'node:net';
import { NS_PER_MS } from './clock.js';
import { HANDSHAKE_LIMITS, type HandshakeLimits } from './constants.js';

/** One pending handshake. */
export interface Ticket {
  readonly source: string;
  /** Monotonic ns by which the proof must have come. */
  readonly deadline: bigint;
}

interface Pending extends Ticket {
  readonly start: (ticket: Ticket) => void;
}

const NS_PER_S = 1000n * NS_PER_MS;

export class HandshakeAdmission {
  readonly #limits: HandshakeLimits;
  readonly #perSource = new Map<string, number>();
  readonly #bucket: TokenBuckets;
  /** Those that wait unread for a token, in order of arrival. */
  readonly #waiting = new Set<Pending>();
  readonly #tickets = new Set<Ticket>();

  constructor(limits: Partial<HandshakeLimits> = {}) {
    this.#limits = { ...HANDSHAKE_LIMITS, ...limits };
    this.#bucket = new TokenBuckets(this.#limits.rate, this.#limits.burst, 2 * this.#limits.pending);
  }

  /** Handshakes in progress, the waiting ones among them. */
  get pending(): number {
    return this.#tickets.size;
  }

  /** More are pending than is usual: sources are rationed. */
  get busy(): boolean {
    return this.pending > this.#limits.busyAbove;
  }

  /** Zero bits to ask of the next puzzle. */
  get difficulty(): number {
    return this.busy ? this.#limits.busyDifficulty : this.#limits.difficulty;
  }

  /**
   * A connection came from `address`. Null: refuse it. Otherwise it counts as pending until `release`, and `start` is
   * called once: from here before this returns, or from a later `proceed` or `release`.
   */
  arrive(address: string, now: bigint, start: (ticket: Ticket) => void): Ticket | null {
    const source = sourceOf(address);
    const count = this.#perSource.get(source) ?? 0;
    if (this.pending >= this.#limits.pending || count >= this.#limits.pendingPerSource) return null;
    const ticket: Pending = { source, deadline: now + BigInt(this.#limits.timeout) * NS_PER_MS, start };
    this.#tickets.add(ticket);
    this.#perSource.set(source, count + 1);
    this.#waiting.add(ticket);
    this.proceed(now);
    return ticket;
  }

  /** The handshake is over, well or badly. A second call does nothing. */
  release(ticket: Ticket, now: bigint): void {
    if (!this.#tickets.delete(ticket)) return;
    this.#waiting.delete(ticket as Pending);
    const left = (this.#perSource.get(ticket.source) ?? 1) - 1;
    if (left === 0) this.#perSource.delete(ticket.source);
    else this.#perSource.set(ticket.source, left);
    this.proceed(now);
  }

  /** Starts those of the waiting whose turn has come. Call it at `nextTime`. */
  proceed(now: bigint): void {
    for (const ticket of this.#waiting) {
      if (this.busy && !this.#bucket.take(ticket.source, now)) continue;
      this.#waiting.delete(ticket);
      ticket.start(ticket);
    }
  }

  /** Monotonic ns at which a waiting handshake may start; null when none waits. */
  nextTime(): bigint | null {
    let first: bigint | null = null;
    for (const { source } of this.#waiting) {
      const time = this.#bucket.nextToken(source);
      if (first === null || time < first) first = time;
    }
    return first;
  }
}

/**
 * A token bucket for each source, kept as the one number that GCRA needs: the time at which the bucket will be full again.
 */
class TokenBuckets {
  readonly #interval: bigint;
  readonly #tolerance: bigint;
  readonly #sweepAbove: number;
  readonly #fullAt = new Map<string, bigint>();

  constructor(rate: number, burst: number, sweepAbove: number) {
    this.#interval = NS_PER_S / BigInt(rate);
    this.#tolerance = BigInt(burst - 1) * this.#interval;
    this.#sweepAbove = sweepAbove;
  }

  take(source: string, now: bigint): boolean {
    const fullAt = this.#fullAt.get(source) ?? now;
    if (fullAt - this.#tolerance > now) return false;
    this.#fullAt.set(source, (fullAt > now ? fullAt : now) + this.#interval);
    if (this.#fullAt.size > this.#sweepAbove) this.#sweep(now);
    return true;
  }

  nextToken(source: string): bigint {
    return (this.#fullAt.get(source) ?? 0n) - this.#tolerance;
  }

  /** A full bucket says nothing that an absent one doesn't. */
  #sweep(now: bigint): void {
    for (const [source, fullAt] of this.#fullAt) if (fullAt <= now) this.#fullAt.delete(source);
  }
}

/**
 * Whom an address stands for. A host on IPv6 has the 2^64 addresses of its network to choose from, so they count as one;
 * link-local addresses (fe80::/10) share a network with all neighbours and count each for itself.
 */
export function sourceOf(address: string): string {
  if (!isIPv6(address) || /^fe[89ab]/i.test(address)) return address;
  const [head = '', tail] = address.split('::');
  const groups = head.split(':').filter((group) => group !== '');
  if (tail !== undefined) {
    const after = tail.split(':').filter((group) => group !== '');
    while (groups.length + after.length < 8) groups.push('0');
    groups.push(...after);
  }
  return `${groups.slice(0, 4).join(':')}::/64`;
}
