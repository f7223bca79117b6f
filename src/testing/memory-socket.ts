/**
 * Two ends of a connection in memory, with what a session asks of a net.Socket: backpressure, half closes, ends and their order.
 * A byte takes a turn of the event loop, or as long as the link says in virtual time.
 */
import { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import { setImmediate } from '../base/timers.js';
import type { TestClock } from './virtual-clock.js';

/** What is between the two ends; both directions alike. */
export interface Link {
  /** ms that bytes take from here on. */
  latency: number;
  /** Nothing arrives from here on, as when a route is gone: neither side is told. */
  silent: boolean;
}

/** Two ends, each the other's peer. */
export function memorySockets(clock: TestClock, link: Link): [Socket, Socket] {
  const [a, b] = [new MemorySocket(clock, link), new MemorySocket(clock, link)];
  a.peer = b;
  b.peer = a;
  return [a as unknown as Socket, b as unknown as Socket];
}

/** Bytes that are under way, or have come and are not read, before a write waits: what a system's buffers hold. */
const WIRE_BYTES = 65_536;

class MemorySocket extends Duplex {
  peer!: MemorySocket;
  /** As net.Socket's: what the stream was given to write. */
  bytesWritten = 0;
  /** As net.Socket's: what came out of the connection. */
  bytesRead = 0;
  readonly #clock: TestClock;
  readonly #link: Link;
  /** Of what was written, the bytes that the peer has not taken. */
  #underWay = 0;
  /** The write that waits for the peer to take some. */
  #waits: (() => void) | null = null;
  /** What has come, in order; null is the end. */
  readonly #come: (Uint8Array | null)[] = [];
  #wanted = false;
  #ended = false;

  constructor(clock: TestClock, link: Link) {
    super({ allowHalfOpen: true });
    this.#clock = clock;
    this.#link = link;
  }

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    this.bytesWritten += chunk.length;
    this.#underWay += chunk.length;
    const bytes = Uint8Array.from(chunk);
    this.#carry(() => this.peer.#arrive(bytes));
    if (this.#underWay <= WIRE_BYTES) setImmediate(done);
    else this.#waits = done;
  }

  override _final(done: () => void): void {
    this.#carry(() => this.peer.#arrive(null));
    done();
  }

  override _read(): void {
    this.#wanted = true;
    this.#pass();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#come.length = 0;
    this.#carry(() => this.peer.#arrive(null));
    done(error);
  }

  resetAndDestroy(): this {
    return this.destroy();
  }

  /** Memory holds no process. */
  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  /** Later, and in order: the timers of one time fire in the order in which they were set. */
  #carry(arrive: () => void): void {
    if (this.#link.silent) return;
    if (this.#link.latency > 0) {
      this.#clock.timers.setTimeout(arrive, this.#link.latency);
      return;
    }
    const done = this.#clock.hold();
    setImmediate(() => {
      done();
      arrive();
    });
  }

  #arrive(bytes: Uint8Array | null): void {
    if (this.#ended || this.destroyed) return;
    this.#ended = bytes === null;
    this.#come.push(bytes);
    this.#pass();
  }

  #pass(): void {
    while (this.#wanted && this.#come.length > 0) {
      const bytes = this.#come.shift()!;
      this.#wanted = this.push(bytes);
      if (bytes === null) continue;
      this.bytesRead += bytes.length;
      this.peer.#taken(bytes.length);
    }
  }

  #taken(bytes: number): void {
    this.#underWay -= bytes;
    if (this.#waits === null || this.#underWay > WIRE_BYTES) return;
    const done = this.#waits;
    this.#waits = null;
    done();
  }
}
