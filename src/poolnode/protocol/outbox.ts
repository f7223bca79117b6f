/**
 * What waits to be written. Small things are put one behind the other into a slab, so that many packets leave as one piece;
 * long ciphertexts go by reference. Slabs hold headers, ciphertexts and tags only, and no byte of one is used twice: the
 * socket may still be reading what was handed out.
 */

const SMALLEST_SLAB_BYTES = 2_048;
const LARGEST_SLAB_BYTES = 65_536;

export class Outbox {
  /** The slab in use, and a view over it: write at `at` what `reserve` set apart. */
  slab = new Uint8Array(0);
  view = new DataView(this.slab.buffer);
  #size = SMALLEST_SLAB_BYTES;
  /** The part of the slab that was reserved and is not yet among the pieces. */
  #from = 0;
  #to = 0;
  #pieces: Uint8Array[] = [];
  #waiting = 0;
  /** Whether the slab in use was begun since the last `take`. */
  #fresh = false;

  get bytes(): number {
    return this.#waiting;
  }

  /** Sets `size` bytes of the slab apart, next in order, and gives their offset in `slab`. */
  reserve(size: number): number {
    if (this.slab.length - this.#to < size) this.#renew(size);
    const at = this.#to;
    this.#to += size;
    this.#waiting += size;
    return at;
  }

  /** Adds a piece by reference, next in order. */
  push(piece: Uint8Array): void {
    this.#flush();
    this.#pieces.push(piece);
    this.#waiting += piece.length;
  }

  /** All that waits, in order; it is the taker's. */
  take(): Uint8Array[] {
    this.#flush();
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#waiting = 0;
    this.#fresh = false;
    return pieces;
  }

  #flush(): void {
    if (this.#to === this.#from) return;
    this.#pieces.push(this.slab.subarray(this.#from, this.#to));
    this.#from = this.#to;
  }

  /** A slab that one `take` did not outlive was too small; one that lasted may shrink, so that idle sessions hold little. */
  #renew(size: number): void {
    this.#flush();
    this.#size = this.#fresh
      ? Math.min(this.#size * 2, LARGEST_SLAB_BYTES)
      : Math.max(this.#size / 2, SMALLEST_SLAB_BYTES);
    this.slab = new Uint8Array(Math.max(this.#size, size));
    this.view = new DataView(this.slab.buffer);
    this.#from = 0;
    this.#to = 0;
    this.#fresh = true;
  }
}
