/**
 * Messages between the main thread and a worker thread, in shared memory: one side writes, the other takes, and neither waits
 * for the other unless the memory is full or empty. Every message lies in one piece, since RECV writes it there and SEND reads
 * it. Where all have been taken the next one begins at the start again: memory that is used over and over stays in the CPU's
 * cache. The ring serves one direction at a time; `begin` empties it.
 */
import { type Bytes, copyBytes, type CopyBytes, ownCopy } from '../../base/bytes.js';

/** Messages that may wait at one time. */
const ENTRIES = 64;
const WORDS = {
  /** Messages written; {@link CLOSED} when the taking side takes no more. */
  PUBLISHED: 0,
  TAKEN: 1,
  /** 1 while the taking side has found nothing, and is to be told of the next message. */
  IDLE: 2,
  /** 1 while the writing side waits for room. */
  BLOCKED: 3,
  /** The count of messages taken that the writing side is to be told of. */
  WANTED: 4,
} as const;
const HEAD_WORDS = 6;
const CLOSED = -1;
/** Offset, length, and whatever the two sides agree on. */
const ENTRY_WORDS = 3;

/** Bytes of shared memory beside the data. */
export const RING_TABLE_BYTES = (HEAD_WORDS + ENTRIES * ENTRY_WORDS) * Int32Array.BYTES_PER_ELEMENT;

/** Messages after which counting has to begin anew. */
export const MOST_MESSAGES = 2 ** 30;

/** Where a message lies. */
export interface RingEntry {
  at: number;
  length: number;
  tag: number;
}

export class MessageRing {
  readonly #words: Int32Array;
  readonly #data: Uint8Array;
  readonly #longest: number;
  readonly #copy: CopyBytes;
  /** Where the next message begins: the writing side's own. */
  #at = 0;

  /**
   * `words` has {@link RING_TABLE_BYTES}, zeroed to begin with.
   * @param longest bytes that a message may have; `data` holds two at least
   * @param copy into `data` and out of it
   */
  constructor(words: Int32Array, data: Uint8Array, longest: number, copy = copyBytes) {
    this.#words = words;
    this.#data = data;
    this.#longest = longest;
    this.#copy = copy;
  }

  /** Empties it, while nobody uses it; `told`: the taking side has found nothing, and is to be told of the first message. */
  begin(told: boolean): void {
    this.#words.fill(0, 0, HEAD_WORDS);
    this.#words[WORDS.IDLE] = told ? 1 : 0;
    this.#at = 0;
  }

  // The writing side.

  /** Where in the data the next message is to be written; -1 where there is no room. */
  room(longest = this.#longest): number {
    const words = this.#words;
    const published = words[WORDS.PUBLISHED]!;
    const taken = Atomics.load(words, WORDS.TAKEN);
    if (taken === published) {
      this.#at = 0;
      return 0;
    }
    if (published - taken >= ENTRIES) return -1;
    const oldest = words[entryOf(taken)]!;
    // Before the oldest one a byte stays free, so that `at` is its place only where it has been written behind it.
    if (this.#at < oldest) return this.#at + longest < oldest ? this.#at : -1;
    if (this.#at + longest <= this.#data.length) return this.#at;
    if (longest >= oldest) return -1;
    this.#at = 0;
    return 0;
  }

  /** The message is there, at the place that `room` gave. @returns whether the taking side is to be told */
  publish(length: number, tag = 0): boolean {
    const words = this.#words;
    this.#write(words[WORDS.PUBLISHED]!, length, tag);
    Atomics.add(words, WORDS.PUBLISHED, 1);
    return Atomics.exchange(words, WORDS.IDLE, 0) === 1;
  }

  /** Copies a message in and wakes the other side. False where there is no room, or the other side takes no more. */
  put(message: Uint8Array, tag: number): boolean {
    const words = this.#words;
    const published = Atomics.load(words, WORDS.PUBLISHED);
    if (published === CLOSED || published >= MOST_MESSAGES) return false;
    const at = this.room(message.length);
    if (at < 0) return false;
    this.#copy(this.#data.subarray(at), message);
    this.#write(published, message.length, tag);
    if (Atomics.compareExchange(words, WORDS.PUBLISHED, published, published + 1) !== published) return false;
    if (Atomics.exchange(words, WORDS.IDLE, 0) === 1) Atomics.notify(words, WORDS.PUBLISHED);
    return true;
  }

  /** Blocks until a message was taken since `room` gave -1, or `wake` was called. */
  waitForRoom(): void {
    const words = this.#words;
    Atomics.store(words, WORDS.BLOCKED, 1);
    const taken = Atomics.load(words, WORDS.TAKEN);
    if (this.room() < 0) Atomics.wait(words, WORDS.TAKEN, taken);
    Atomics.store(words, WORDS.BLOCKED, 0);
  }

  /** How many have been taken. */
  get taken(): number {
    return Atomics.load(this.#words, WORDS.TAKEN);
  }

  /** Asks to be told when `count` have been taken. False where they have been by now. */
  want(count: number): boolean {
    Atomics.store(this.#words, WORDS.WANTED, count);
    return this.taken < count;
  }

  // The taking side.

  /** Takes what is there, one after the other; the other side tells of what comes after. */
  drain(take: (message: Bytes) => void): void {
    const words = this.#words;
    for (;;) {
      let taken = words[WORDS.TAKEN]!;
      while (taken !== Atomics.load(words, WORDS.PUBLISHED)) {
        const { at, length } = this.entry(taken);
        taken += 1;
        try {
          take(ownCopy(this.#data.subarray(at, at + length), this.#copy));
        } finally {
          Atomics.store(words, WORDS.TAKEN, taken);
          if (Atomics.load(words, WORDS.BLOCKED) === 1) Atomics.notify(words, WORDS.TAKEN);
        }
      }
      Atomics.store(words, WORDS.IDLE, 1);
      if (taken === Atomics.load(words, WORDS.PUBLISHED)) return;
      // Whoever sets it back to 0 sees to the message: this thread, or it is told.
      if (Atomics.exchange(words, WORDS.IDLE, 0) === 0) return;
    }
  }

  /** The message after the first `taken`, which is there. */
  entry(taken: number): RingEntry {
    const words = this.#words;
    const entry = entryOf(taken);
    return { at: words[entry]!, length: words[entry + 1]!, tag: words[entry + 2]! };
  }

  /**
   * Blocks until there are more than `taken` messages. False where there are none for `ms`: then no more can be written; or
   * where `stopped` after `wake`.
   */
  await(taken: number, ms: number, stopped: () => boolean): boolean {
    const words = this.#words;
    while (Atomics.load(words, WORDS.PUBLISHED) === taken) {
      Atomics.store(words, WORDS.IDLE, 1);
      if (stopped()) return false;
      if (Atomics.load(words, WORDS.PUBLISHED) !== taken) break;
      const outcome = Atomics.wait(words, WORDS.PUBLISHED, taken, ms);
      const ended = outcome === 'timed-out' || taken >= MOST_MESSAGES;
      if (ended && Atomics.compareExchange(words, WORDS.PUBLISHED, taken, CLOSED) === taken) return false;
    }
    return true;
  }

  /** `taken` messages have been taken. @returns whether the other side is to be told */
  took(taken: number): boolean {
    Atomics.store(this.#words, WORDS.TAKEN, taken);
    return Atomics.load(this.#words, WORDS.WANTED) === taken;
  }

  /** Ends whatever either side waits for. */
  wake(): void {
    Atomics.notify(this.#words, WORDS.TAKEN);
    Atomics.notify(this.#words, WORDS.PUBLISHED);
  }

  #write(published: number, length: number, tag: number): void {
    const words = this.#words;
    const entry = entryOf(published);
    words[entry] = this.#at;
    words[entry + 1] = length;
    words[entry + 2] = tag;
    // A message without bytes has a place of its own as well.
    this.#at += Math.max(8, (length + 7) & ~7);
  }
}

const entryOf = (count: number): number => HEAD_WORDS + ENTRY_WORDS * (count % ENTRIES);
