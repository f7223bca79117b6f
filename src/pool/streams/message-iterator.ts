/** `for await` over a flow: what it reads, until either side closes. Leaving the loop leaves the flow as it is. */
import type { Bytes } from '../../base/bytes.js';
import { rejectFromCaller } from '../op-error.js';
import type { FlowReader } from '../flow/flow-reader.js';

export class FlowIterator<T> implements AsyncIterableIterator<T> {
  readonly #reads: FlowReader;
  /** Reads once, as 'iterator'; null at the end. */
  readonly #once: () => Promise<T | null>;
  #state: 'new' | 'reading' | 'done' = 'new';

  constructor(reads: FlowReader, once: () => Promise<T | null>) {
    this.#reads = reads;
    this.#once = once;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Rejects as `readMessage` does, but for ERR_POOL_CLOSED, which is the end. */
  async next(): Promise<IteratorResult<T, undefined>> {
    try {
      const message = await this.#read();
      // A loop that was left meanwhile has ended, and then nothing was taken.
      if (message !== null) return { done: false, value: message };
    } catch (error) {
      if (!this.#reads.closed) {
        this.#finish();
        return rejectFromCaller(error, this, 'next');
      }
    }
    this.#finish();
    return { done: true, value: undefined };
  }

  /** What `break` calls. A `next` that is pending ends, and the message that it waited for is another read's. */
  return(): Promise<IteratorResult<T, undefined>> {
    this.#finish();
    return Promise.resolve({ done: true, value: undefined });
  }

  #read(): Promise<T | null> {
    if (this.#state === 'done') return Promise.resolve(null);
    if (this.#state === 'new') {
      this.#reads.lock('iterator');
      this.#state = 'reading';
    }
    return this.#once();
  }

  #finish(): void {
    if (this.#state === 'reading') this.#reads.unlock('iterator');
    this.#state = 'done';
  }
}

/** One message after the other. */
export function messagesOf(reads: FlowReader): AsyncIterableIterator<Bytes> {
  return new FlowIterator(reads, () => reads.readMessage(undefined, 'iterator'));
}
