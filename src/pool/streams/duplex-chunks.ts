/** What is written to a Duplex, on its way to messages. */

/** A chunk as a Writable hands it on. */
export interface WrittenChunk {
  chunk: Uint8Array | string;
  encoding: BufferEncoding;
}

/** In object mode strings come as they were written. */
export function toChunk(chunk: Uint8Array | string, encoding: BufferEncoding): Uint8Array {
  return typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk;
}

/**
 * Joins short chunks to pieces of at most `size` bytes: an http response's head, body and trailer become one message. A
 * long chunk is not copied.
 */
export function* joinChunks(chunks: readonly Uint8Array[], size: number): Generator<Uint8Array> {
  let group: Uint8Array[] = [];
  let bytes = 0;
  for (const chunk of chunks) {
    if (bytes > 0 && bytes + chunk.length > size) {
      yield joined(group);
      group = [];
      bytes = 0;
    }
    group.push(chunk);
    bytes += chunk.length;
  }
  if (bytes > 0) yield joined(group);
}

function joined(group: readonly Uint8Array[]): Uint8Array {
  return group.length === 1 ? group[0]! : Buffer.concat(group);
}
