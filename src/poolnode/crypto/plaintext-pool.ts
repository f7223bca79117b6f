/**
 * Memory for messages that are opened. Short ones lie one behind the other in 64 KiB that they share, as those of Node's
 * own Buffer pool do: an ArrayBuffer of its own costs more than opening a short message takes. What was given out is not used
 * again, and goes when the last message in it goes; but for long messages whose memory is given back, since V8 collects its
 * garbage for every few megabytes of memory that messages had.
 */
import { markAsUntransferable } from 'node:worker_threads';

const POOL_BYTES = 65_536;
/** Longer ones have memory of their own: one that is kept then keeps no more than 16 times its size alive. */
const LONGEST_POOLED_BYTES = 4_096;
/** What is worth being used again: a few messages of nearly the greatest length, 65,519 bytes. */
const LEAST_KEPT_BYTES = 32_768;
const MOST_KEPT_BYTES = 65_536;
const KEPT = 16;
/** So that typed arrays of any kind can be laid over a message. */
const ALIGNMENT = 8;

export class PlaintextPool {
  #pool = new ArrayBuffer(0);
  #used = 0;
  /** Given back, the last one first: it is still in the CPU's cache. */
  readonly #kept: ArrayBufferLike[] = [];

  /** `size` bytes that are nobody else's, with anything in them. */
  allocate(size: number): Uint8Array {
    if (size > LONGEST_POOLED_BYTES) return new Uint8Array(this.#takeKept(size) ?? uncleared(size), 0, size);
    if (this.#pool.byteLength - this.#used < size) {
      this.#pool = uncleared(POOL_BYTES);
      // Transferring one message's memory to another thread would take its neighbours away.
      markAsUntransferable(this.#pool);
      this.#used = 0;
    }
    const message = new Uint8Array(this.#pool, this.#used, size);
    this.#used += (size + ALIGNMENT - 1) & -ALIGNMENT;
    return message;
  }

  /** Takes a message's memory back, which nobody reads any more. */
  giveBack({ length, buffer }: Uint8Array): void {
    // Beside a short one others lie.
    if (length <= LONGEST_POOLED_BYTES || this.#kept.length >= KEPT) return;
    const { byteLength } = buffer;
    if (byteLength < LEAST_KEPT_BYTES || byteLength > MOST_KEPT_BYTES || this.#kept.includes(buffer)) return;
    this.#kept.push(buffer);
  }

  #takeKept(size: number): ArrayBufferLike | undefined {
    const at = this.#kept.findLastIndex(({ byteLength }) => byteLength >= size);
    return at < 0 ? undefined : this.#kept.splice(at, 1)[0];
  }
}

/** All of it is written before anybody sees it, so that clearing it first would be a pass for nothing. */
function uncleared(size: number): ArrayBuffer {
  return Buffer.allocUnsafeSlow(size).buffer;
}
