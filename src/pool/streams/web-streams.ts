/** A flow as Web Streams. Neither holds anything back: what was not asked for stays with the flow. */
import type {
  ReadableByteStreamController,
  ReadableStream,
  WritableStream,
  WritableStreamDefaultController,
} from 'node:stream/web';
import { builtin } from '../../base/builtin.js';
import { type Bytes, type BytesInput, bytesOf } from '../../base/bytes.js';
import type { Flow } from '../flow/flow.js';
import { ReaderLock } from './reader-lock.js';
import type { FlowReader } from '../flow/flow-reader.js';

/** Bytes that wait in a WritableStream before `ready` makes its writer wait: as much as one message. */
const WRITABLE_HIGH_WATER_MARK = 65_536;

/**
 * The reading half, in byte mode.
 * @param over the stream was cancelled or has failed, and so reads no more
 */
export function readableOf(reads: FlowReader, over: () => void): ReadableStream<Bytes> {
  const held = new ReaderLock(reads);
  const end = (): void => {
    held.release();
    over();
  };
  const pull = async (controller: ReadableByteStreamController): Promise<void> => {
    try {
      if (await fill(controller, held)) return;
      // The flow gives null from now on, to whoever asks.
      if (!held.released) finish(controller);
      held.release();
    } catch (error) {
      end();
      throw error;
    }
  };
  const { ReadableStream } = builtin('node:stream/web');
  // With a mark above 0 the stream would read ahead, and a cancel would lose what it had read.
  return new ReadableStream({ type: 'bytes', pull, cancel: end }, { highWaterMark: 0 }) as ReadableStream<Bytes>;
}

/** One message, or what fits of it into the memory of a BYOB reader. False at the end, or when it was cancelled meanwhile. */
async function fill(controller: ReadableByteStreamController, held: ReaderLock): Promise<boolean> {
  const request = controller.byobRequest;
  if (request === null) {
    const message = await held.readMessage();
    if (message === null) return false;
    controller.enqueue(exclusive(message));
    return true;
  }
  const { buffer, byteOffset, byteLength } = request.view!;
  const count = await held.read(new Uint8Array(buffer, byteOffset, byteLength));
  if (count === null) return false;
  request.respond(count);
  return true;
}

function finish(controller: ReadableByteStreamController): void {
  const request = controller.byobRequest;
  controller.close();
  // A BYOB read that waits gets its memory back.
  request?.respond(0);
}

/** The stream takes over the memory of what is enqueued, all of the ArrayBuffer: it must hold nothing else. */
function exclusive(message: Bytes): Bytes {
  return message.byteLength === message.buffer.byteLength ? message : new Uint8Array(message);
}

/**
 * The writing half.
 * @param over a write failed, and the stream with it
 */
export function writableOf(
  flow: Pick<Flow, 'write' | 'close' | 'destroy'>,
  over: () => void,
): WritableStream<BytesInput> {
  const { WritableStream } = builtin('node:stream/web');
  return new WritableStream<BytesInput>(
    {
      write: async (chunk, controller) => {
        try {
          await flow.write(chunk, { signal: abortOf(controller) });
        } catch (error) {
          over();
          throw error;
        }
      },
      close: () => flow.close(),
      abort: (reason: unknown) => flow.destroy(reason instanceof Error ? reason : undefined),
    },
    { highWaterMark: WRITABLE_HIGH_WATER_MARK, size: sizeOf },
  );
}

/** Bytes that are sent of it: of a string, as UTF-8. What is neither counts nothing, and is refused by the write. */
function sizeOf(chunk: unknown): number {
  return typeof chunk === 'string' ? Buffer.byteLength(chunk) : (bytesOf(chunk)?.length ?? 0);
}

/** Fires when the stream is aborted in the middle of a write. In Node since 18; its types don't have it. */
function abortOf(controller: WritableStreamDefaultController): AbortSignal {
  return (controller as WritableStreamDefaultController & { signal: AbortSignal }).signal;
}
