/** Writing to a stream with its backpressure. */
import type { Writable } from 'node:stream';

/**
 * Writes all chunks, and settles when the stream has passed them on, so that the caller holds no more than these.
 * @throws (rejects) the stream's error, EPIPE included
 */
export async function writeChunks(stream: Writable, chunks: readonly Uint8Array[]): Promise<void> {
  const last = chunks.length - 1;
  if (last < 0) return;
  stream.cork();
  const written = new Promise<void>((resolve, reject) => {
    chunks.forEach((chunk, index) => {
      // A stream passes on in order: what the last one hears, holds for all. An earlier failure is the last one's as well.
      if (index < last) stream.write(chunk);
      else stream.write(chunk, (error) => (error ? reject(error) : resolve()));
    });
  });
  stream.uncork();
  await written;
}
