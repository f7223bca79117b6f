/** The reads of a flow for one stream: its own from the first one on, until it gives them back. */
import type { Bytes } from '../../base/bytes.js';
import type { FlowReader } from '../flow/flow-reader.js';

export class ReaderLock {
  readonly #reads: FlowReader;
  #state: 'new' | 'held' | 'released' = 'new';

  constructor(reads: FlowReader) {
    this.#reads = reads;
  }

  /** Whether a first read has begun: what is queued is this stream's from then on. */
  get begun(): boolean {
    return this.#state !== 'new';
  }

  get released(): boolean {
    return this.#state === 'released';
  }

  /** Whether this side closed the flow. */
  get closed(): boolean {
    return this.#reads.closed;
  }

  /** @throws PoolError ERR_POOL_LOCKED, ERR_POOL_CLOSED, ERR_POOL_TIMEOUT, the error of the session; as the others */
  async read(buffer: Uint8Array): Promise<number | null> {
    this.#hold();
    return this.#reads.read(buffer, undefined, 'stream');
  }

  async readMessage(): Promise<Bytes | null> {
    this.#hold();
    return this.#reads.readMessage(undefined, 'stream');
  }

  async readMessages(max: number, maxBytes: number): Promise<Bytes[] | null> {
    this.#hold();
    return this.#reads.readMessages(max, undefined, 'stream', maxBytes);
  }

  /** Ends a read that is pending with null, and lets others read. */
  release(): void {
    if (this.#state === 'held') this.#reads.unlock('stream');
    this.#state = 'released';
  }

  #hold(): void {
    if (this.#state !== 'new') return;
    this.#reads.lock('stream');
    this.#state = 'held';
  }
}
