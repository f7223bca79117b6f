/** A TCP connection and a POOL session, joined: what comes from one goes to the other, as it comes. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { onAbort } from '../../base/abort.js';
import { type Conn, PoolError } from '../../index.js';
import { ChunkSource } from '../chunk-source.js';
import { writeChunks } from '../write-chunks.js';
import { resetSocket } from '../../base/reset-socket.js';

/** Bytes that one link, or all of a bridge, has passed on. */
export interface Passed {
  toPool: number;
  toTcp: number;
}

export interface LinkOptions {
  /** ms that the session stays open after TCP's FIN when nothing comes from POOL; and the reverse. */
  halfCloseTimeout: number;
  /** Counted up with each piece that was passed on. */
  passed: Passed;
  /** Breaks the link off. */
  cut: AbortSignal;
}

/** ms without a byte either way after which a link that is cut was idle, and ends as cleanly as both ends can. */
const IDLE_MS = 1000;

/** ms of silence after which the system asks whether a TCP peer is still there. */
const KEEP_ALIVE_MS = 30_000;

/** ms that a peer has to take CLOSE when the bridge itself is told to end. */
const CUT_CLOSE_TIMEOUT_MS = 1000;

/**
 * Joins `socket`, made with allowHalfOpen, and `conn`. Settles when both are closed.
 *
 * POOL has no half close, and so TCP's FIN is not passed on: the session is closed when the peer closes it, or when it was
 * silent for `halfCloseTimeout`. A session that breaks resets the TCP connection, and a TCP connection that breaks
 * destroys the session: what was cut off is never taken for the whole.
 * @throws (rejects) what broke the link
 */
export async function join(socket: Socket, conn: Conn, options: LinkOptions): Promise<void> {
  const link = new Link(socket, conn, options);
  await link.run();
}

class Link {
  readonly #socket: Socket;
  readonly #conn: Conn;
  readonly #options: LinkOptions;
  readonly #source: ChunkSource;
  #tcpEnded = false;
  /** Bytes from TCP came too late to be passed on. */
  #dropped = false;
  /** What broke the link first. */
  #brokenBy: Error | null = null;
  /** The session is closed in good order, and TCP is about to be. */
  #ending = false;
  #lingerMs: number;
  #lastPassed = performance.now();

  constructor(socket: Socket, conn: Conn, options: LinkOptions) {
    this.#socket = socket;
    this.#conn = conn;
    this.#options = options;
    this.#source = new ChunkSource(socket);
    this.#lingerMs = options.halfCloseTimeout;
    socket.setNoDelay(true);
    // A peer that vanished without a word is noticed by the system. POOL has heartbeats of its own.
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
  }

  async run(): Promise<void> {
    const { cut } = this.#options;
    const unlisten = onAbort(cut, () => this.#cutOff());
    const sending = this.#tcpToPool();
    try {
      await this.#poolToTcp();
      this.#ending = true;
      await this.#conn.close();
      await this.#endTcp(sending);
    } catch (error) {
      this.#breakOff(error as Error);
      // What broke one side says more than that the other was destroyed for it.
      throw this.#socket.errored ?? this.#brokenBy ?? error;
    } finally {
      unlisten();
    }
  }

  async #tcpToPool(): Promise<void> {
    for (;;) {
      let chunk: Buffer | null;
      try {
        chunk = await this.#source.next();
      } catch (error) {
        this.#breakOff(error as Error); // wakes the other direction, which tells it
        return;
      }
      if (chunk === null) break;
      await this.#send(chunk);
    }
    this.#tcpEnded = true;
    this.#expectEnd();
  }

  async #send(chunk: Buffer): Promise<void> {
    try {
      await this.#conn.write(chunk);
      this.#count('toPool', chunk.length);
    } catch {
      // Why the session has ended, reading tells, behind what came before.
      this.#dropped = true;
    }
  }

  async #poolToTcp(): Promise<void> {
    for (;;) {
      this.#expectEnd();
      const batch = await this.#next();
      if (batch === null) return;
      await writeChunks(this.#socket, batch);
      const bytes = batch.reduce((sum, { length }) => sum + length, 0);
      this.#count('toTcp', bytes);
    }
  }

  /** Null when the session is closed, or is silent for long enough after TCP's FIN. */
  async #next(): Promise<Uint8Array[] | null> {
    try {
      return await this.#conn.readMessages();
    } catch (error) {
      const silent = this.#tcpEnded && error instanceof PoolError && error.timeout && this.#conn.state === 'open';
      if (silent || this.#ending) return null;
      throw error;
    }
  }

  /** From here on, so that the time in which TCP is slow doesn't count. */
  #expectEnd(): void {
    if (!this.#tcpEnded || this.#conn.state !== 'open') return;
    this.#conn.setReadDeadline(Date.now() + this.#options.halfCloseTimeout);
  }

  /**
   * FIN, and then TCP's own FIN is waited for, while what still comes is dropped: closing right away would answer it with
   * a reset, which may take back what was just sent. Who goes on sending is reset at the end of that time.
   */
  async #endTcp(sending: Promise<void>): Promise<void> {
    const closed = once(this.#socket, 'close').catch(() => undefined);
    await Promise.race([closed, new Promise<void>((sent) => this.#socket.end(sent))]);
    const limit = setTimeout(() => this.#finishTcp(), this.#lingerMs);
    await sending;
    clearTimeout(limit);
    this.#finishTcp();
    if (!this.#socket.closed) await closed;
    if (this.#socket.errored !== null && !this.#socket.writableFinished) throw this.#socket.errored;
    if (this.#dropped) throw new Error('bytes from TCP came when the POOL session was over, and were dropped');
  }

  #finishTcp(): void {
    if (this.#dropped || this.#socket.writableLength > 0) resetSocket(this.#socket);
    else this.#socket.destroy();
  }

  /** An idle link ends in good order; what is cut off in the middle is not to be taken for the whole. */
  #cutOff(): void {
    const waiting = this.#conn.writableLength + this.#socket.writableLength > 0;
    if (this.#ending) {
      this.#finishTcp();
    } else if (waiting || performance.now() - this.#lastPassed < IDLE_MS) {
      this.#breakOff(new Error('the bridge was stopped'));
    } else {
      this.#ending = true;
      // How it goes, run() is told, since closing twice is closing once.
      this.#conn.close({ closeTimeout: CUT_CLOSE_TIMEOUT_MS }).catch(() => undefined);
      this.#lingerMs = 0;
    }
  }

  #breakOff(error: Error): void {
    this.#brokenBy ??= error;
    this.#conn.destroy(error);
    resetSocket(this.#socket);
  }

  #count(direction: keyof Passed, bytes: number): void {
    this.#options.passed[direction] += bytes;
    this.#lastPassed = performance.now();
  }
}
