/** `for await` over a flow: its messages, until either side closes. Leaving the loop leaves the flow as it is. */
import type { Bytes } from '../../base/bytes.js';
import { rejectFromCaller } from '../op-error.js';
import type { FlowReader } from '../flow/flow-reader.js';

export class MessageIterator implements AsyncIterableIterator<Bytes> {
  readonly #reads: FlowReader;
  #state: 'new' | 'reading' | 'done' = 'new';

  constructor(reads: FlowReader) {
    this.#reads = reads;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Rejects as `readMessage` does, but for ERR_POOL_CLOSED, which is the end. */
  async next(): Promise<IteratorResult<Bytes, undefined>> {
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
  return(): Promise<IteratorResult<Bytes, undefined>> {
    this.#finish();
    return Promise.resolve({ done: true, value: undefined });
  }

  #read(): Promise<Bytes | null> {
    if (this.#state === 'done') return Promise.resolve(null);
    if (this.#state === 'new') {
      this.#reads.lock('iterator');
      this.#state = 'reading';
    }
    return this.#reads.readMessage(undefined, 'iterator');
  }

  #finish(): void {
    if (this.#state === 'reading') this.#reads.unlock('iterator');
    this.#state = 'done';
  }
}
