/**
 * Memory for messages that are opened. Short ones lie one behind the other in 64 KiB that they share, as those of Node's
 * own Buffer pool do: an ArrayBuffer of its own costs more than opening a short message takes. What was given out is never
 * used again, and goes when the last message in it goes.
 */
import { markAsUntransferable } from 'node:worker_threads';

const POOL_BYTES = 65_536;
/** Longer ones have memory of their own: one that is kept then keeps no more than 16 times its size alive. */
const LONGEST_POOLED_BYTES = 4_096;
/** So that typed arrays of any kind can be laid over a message. */
const ALIGNMENT = 8;

export class PlaintextPool {
  #pool = new ArrayBuffer(0);
  #used = 0;

  /** `size` bytes that are nobody else's, with anything in them. */
  allocate(size: number): Uint8Array {
    if (size > LONGEST_POOLED_BYTES) return new Uint8Array(uncleared(size));
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
}

/** All of it is written before anybody sees it, so that clearing it first would be a pass for nothing. */
function uncleared(size: number): ArrayBuffer {
  return Buffer.allocUnsafeSlow(size).buffer;
}
