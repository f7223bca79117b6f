/** A readable stream, a chunk at a time: nothing is read ahead but what the stream itself buffers. */
import type { Readable } from 'node:stream';
import { onAbort } from '../base/abort.js';

/**
 * Unlike a loop over the stream, a wait can be given up: what comes later stays in the stream for the next call. So one
 * standard input serves several sessions, and a session that ends takes nothing of it along.
 */
export class ChunkSource {
  readonly #stream: Readable;
  #error: Error | null = null;
  #over = false;
  #wake: () => void = () => {};

  constructor(stream: Readable) {
    this.#stream = stream;
    this.#over = stream.readableEnded || stream.destroyed;
    this.#error = stream.errored;
    const wake = (): void => this.#wake();
    const ended = (): void => {
      this.#over = true;
      wake();
    };
    stream.on('readable', wake);
    stream.on('end', ended);
    stream.on('close', ended);
    stream.on('error', (error) => {
      this.#error ??= error;
      wake();
    });
  }

  /**
   * The next bytes; null at the end.
   * @throws (rejects) the stream's error; the signal's reason
   */
  async next(signal?: AbortSignal): Promise<Buffer | null> {
    const unlisten = onAbort(signal, () => this.#wake());
    try {
      for (;;) {
        signal?.throwIfAborted();
        if (this.#error !== null) throw this.#error;
        const chunk = this.#stream.read() as Buffer | string | null;
        if (chunk !== null) return typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
        if (this.#over) return null;
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      unlisten();
    }
  }
}
