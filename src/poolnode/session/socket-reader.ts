/**
 * Where a socket's bytes go: to whoever has started reading, one at a time, a handshake and then its session. All sockets
 * read into one buffer that they share, larger than what Node would allocate anew for each read.
 */
import type { OnReadOpts, Socket } from 'node:net';

/** Two and a half of Node's own, and four times the longest packet: fewer reads, and fewer packets that are cut. */
const BUFFER_BYTES = 256 * 1024;

let shared: Uint8Array | undefined;

/** Takes bytes from the socket. Their memory may be used again when it returns. */
export type TakeBytes = (chunk: Uint8Array) => void;

export class SocketReader {
  /** Whether a chunk's memory is used again once it was taken. */
  readonly reuses: boolean;
  #take: TakeBytes | null = null;
  /** What came before anybody started. */
  #early: Uint8Array[] = [];
  #socket: Socket | null = null;

  constructor(reuses = false) {
    // Elsewhere a read holds its buffer until there is something to read, so that two sockets can't share one.
    this.reuses = reuses && process.platform !== 'win32';
  }

  /** The option of a socket that is to be made. */
  get onread(): OnReadOpts | undefined {
    if (!this.reuses) return undefined;
    const buffer = (shared ??= new Uint8Array(BUFFER_BYTES));
    return { buffer, callback: (size, from) => this.#read(from.subarray(0, size)) };
  }

  /** From here on `take` gets what comes. The socket is paused, or not yet connected. */
  start(socket: Socket, take: TakeBytes): void {
    this.#socket = socket;
    this.#take = take;
    // A socket with `onread` emits none.
    socket.on('data', take);
    for (const chunk of this.#early.splice(0)) take(chunk);
  }

  /** What comes next is for who starts next. */
  stop(): void {
    if (this.#take !== null) this.#socket?.off('data', this.#take);
    this.#take = null;
  }

  #read(chunk: Uint8Array): boolean {
    if (this.#take !== null) {
      this.#take(chunk);
      return true;
    }
    this.#early.push(chunk.slice());
    return false;
  }
}
