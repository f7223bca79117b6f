/** A double-ended queue's useful half: push behind, take in front, both in constant time however long it grew. */

const SMALLEST = 16;

export class Deque<T> {
  /** A ring; its length is a power of two, so that a mask wraps an index. */
  #slots: (T | undefined)[] = new Array<T | undefined>(SMALLEST);
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The front item, which stays. */
  first(): T | undefined {
    return this.#slots[this.#head];
  }

  push(item: T): void {
    if (this.#length === this.#slots.length) this.#resize(this.#length * 2);
    this.#slots[(this.#head + this.#length) & (this.#slots.length - 1)] = item;
    this.#length += 1;
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#length -= 1;
    // A burst must not keep its ring for the rest of the session.
    if (this.#slots.length > SMALLEST && this.#length <= this.#slots.length / 8) this.#resize(this.#slots.length / 2);
    return item;
  }

  clear(): void {
    this.#slots = new Array<T | undefined>(SMALLEST);
    this.#head = 0;
    this.#length = 0;
  }

  #resize(size: number): void {
    const slots = new Array<T | undefined>(size);
    const mask = this.#slots.length - 1;
    for (let i = 0; i < this.#length; i++) slots[i] = this.#slots[(this.#head + i) & mask];
    this.#slots = slots;
    this.#head = 0;
  }
}
