/**
 * Tells when a session is stuck for good: nothing is read, because the program waits to write, and the socket takes nothing
 * of what waits to be written. A peer in that state holds a slot and all buffers of both directions, and no timer that
 * judges peers by what they send can see it, because they stand still while nothing is read.
 */
import type { Socket } from 'node:net';

/** Looks at the socket in one timeout: so much later than it should a stall may be noticed. */
const LOOKS = 4n;

/** Of net.Socket, what tells how far the system took the output. */
export type WatchedSocket = Pick<Socket, 'bytesWritten' | 'writableLength'>;

export class WriteStall {
  readonly #input: { readonly pausedSince: bigint | null };
  readonly #socket: WatchedSocket;
  readonly #timeout: bigint;
  /** The pause of reading that is watched. */
  #pause: bigint | null = null;
  #lookedAt = 0n;
  /** Monotonic ns of the last look that found progress, or nothing to write. */
  #movedAt = 0n;
  #finished = 0;
  #left: number | undefined;

  /**
   * `pausedSince`: monotonic ns, null while reading.
   * @param timeout ns from the last byte that the socket took, and from the begin of the pause; 0n for never
   */
  constructor(input: { readonly pausedSince: bigint | null }, socket: WatchedSocket, timeout: bigint) {
    this.#input = input;
    this.#socket = socket;
    this.#timeout = timeout;
  }

  /** When to call `check`, monotonic ns. */
  get deadline(): bigint | null {
    const { pausedSince } = this.#input;
    if (this.#timeout === 0n || pausedSince === null) return null;
    if (pausedSince !== this.#pause) this.#begin(pausedSince);
    const end = this.#movedAt + this.#timeout;
    const look = this.#lookedAt + this.#timeout / LOOKS;
    return look < end ? look : end;
  }

  /** Whether the session has been stuck for the whole timeout. */
  check(now: bigint): boolean {
    const { deadline } = this;
    if (deadline === null || now < deadline) return false;
    // A look as late as this says that the process stood still, and its sockets with it.
    const absent = now - this.#lookedAt > (2n * this.#timeout) / LOOKS;
    this.#lookedAt = now;
    if (this.#moved() || absent) this.#movedAt = now;
    return now - this.#movedAt >= this.#timeout;
  }

  #begin(pause: bigint): void {
    this.#pause = pause;
    this.#lookedAt = pause;
    this.#movedAt = pause;
    this.#moved();
  }

  /** Whether the system took a byte since the last look, or nothing waits for it. */
  #moved(): boolean {
    const { bytesWritten, writableLength } = this.#socket;
    const finished = bytesWritten - writableLength;
    const left = leftOfWrite(this.#socket);
    const moved = writableLength === 0 || finished !== this.#finished || left !== this.#left;
    this.#finished = finished;
    this.#left = left;
    return moved;
  }
}

/**
 * Bytes that are left of the write in progress. Node tells of whole writes only, and one of ours may be 256 KiB, which a slow
 * peer takes longer for than any timeout; what net.Socket's own timeout looks at tells of each byte. Undefined elsewhere.
 */
function leftOfWrite(socket: WatchedSocket): number | undefined {
  return (socket as { _handle?: { writeQueueSize?: number } | null })._handle?.writeQueueSize;
}
