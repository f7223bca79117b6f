/**
 * The device's end of the rings that a program has for a session: what comes for the session goes into the program's memory,
 * and what the program writes there is sent as if by SEND. Only the program is believed that it is one; what lies in its memory
 * is not.
 */
import { setImmediate } from '../../base/timers.js';
import { Errno } from '../../base/errno.js';
import { RingReader, RingWriter } from '../../poolioc/rings/record-ring.js';
import type { RingLibc, WatchedBell } from '../../poolioc/rings/ring-libc.js';
import { RingSegment } from '../../poolioc/rings/segment.js';
import type { PendingSends, Sender } from './pending-sends.js';
import type { ReceiveQueue, Taker } from './receive-queue.js';

/** Messages sent in one turn of the event loop, so that other calls and the node's sockets get theirs. */
const MESSAGES_A_TURN = 64;

/** What a program has handed over. */
export interface ProgramMemory {
  libc: RingLibc;
  memory: ArrayBuffer;
  /** Closed by `release`. */
  socket: number;
}

export interface SlotRingsOptions {
  program: ProgramMemory;
  sends: Pick<PendingSends, 'submit' | 'hasSent' | 'sendLast'>;
  received: Pick<ReceiveQueue, 'giveTo' | 'serveTaker' | 'leave'>;
  /** Nobody uses them any more. */
  released: () => void;
}

export class SlotRings implements Taker {
  readonly #options: SlotRingsOptions;
  readonly #segment: RingSegment;
  readonly #reader: RingReader;
  readonly #writer: RingWriter;
  readonly #watched: WatchedBell;
  /** Whose message is on its way into the node, which may have no room. */
  #sending: Sender | null = null;
  #pumping = false;
  /** The program has gone, or closed its end. */
  #left = false;
  #refused = false;
  #released = false;

  /** @throws where the program's socket can't be watched; it is the caller's then */
  constructor(options: SlotRingsOptions) {
    const { libc, memory, socket } = options.program;
    this.#options = options;
    this.#segment = new RingSegment(memory);
    this.#reader = new RingReader(this.#segment.outgoing);
    this.#writer = new RingWriter(this.#segment.incoming);
    this.#watched = libc.watch(socket, () => this.#rang());
  }

  /** Sends and receives from now on. */
  begin(): void {
    this.#options.received.giveTo(this);
    this.#pump();
  }

  /**
   * Sends what the program has written by now, whether the node has room or not: its session is about to be closed, and the peer
   * would take a part for all of it. What is written later gets `errno`.
   */
  takeRest(errno: number): void {
    if (this.#refused || this.#released) return;
    this.#guarded(() => this.#sendRest(), undefined);
    this.#refuse(errno);
  }

  #sendRest(): void {
    const { sends } = this.#options;
    // It is not to go out twice, nor behind those that come after it.
    if (this.#sending !== null && sends.hasSent(this.#sending)) this.#reader.took();
    this.#reader.takeAll(({ channel, data }) => data.length > 0 && sends.sendLast(channel, data));
  }

  /** The slot is somebody else's from now on; `errno` is what SEND and RECV give, where they have not said otherwise. Idempotent. */
  release(errno: number): void {
    if (this.#released) return;
    this.#released = true;
    const { program, received, released } = this.#options;
    const { libc, memory, socket } = program;
    received.leave(this);
    this.#segment.receiveErrno ||= errno;
    this.#segment.sendErrno ||= errno;
    this.#watched.unwatch();
    // A program that still has its end may have messages to read, and sees to its memory itself.
    if (this.#left) libc.discard(memory);
    libc.close(socket);
    released();
  }

  // What the session receives.

  take(channel: number, message: Uint8Array): boolean {
    return this.#guarded(() => {
      if (!this.#writer.put(channel, message)) {
        if (this.#writer.wantRoom()) return false;
        // It was made meanwhile.
        if (!this.#writer.put(channel, message)) return false;
      }
      if (this.#writer.tells()) this.#ring();
      return true;
    }, false);
  }

  end(errno: number): void {
    this.#segment.receiveErrno = errno;
    this.#ring();
  }

  // What the program sends.

  #rang(): void {
    const { program, received } = this.#options;
    if (!program.libc.hear(program.socket)) {
      this.#left = true;
      this.#watched.unwatch();
      // What was not read is lost, as what lies in the memory of a program that ends always is.
      received.leave(this);
    }
    this.#pump();
    if (!this.#left) received.serveTaker();
  }

  #pump(): void {
    // One message at a time: it is settled before the next one is looked at.
    if (this.#pumping || this.#sending !== null || this.#released) return;
    this.#pumping = true;
    const more = this.#guarded(() => this.#sendSome(), false);
    this.#pumping = false;
    if (more) setImmediate(() => this.#pump());
    else if (this.#left && this.#sending === null) this.release(Errno.ENOTCONN);
  }

  /** True where there are more. */
  #sendSome(): boolean {
    for (let turn = 0; turn < MESSAGES_A_TURN; ) {
      if (this.#sending !== null || this.#refused || this.#released) return false;
      const message = this.#reader.next();
      if (message === null) {
        if (this.#reader.rest()) return false;
        continue;
      }
      turn += 1;
      this.#sending = this.#sender(message.channel, message.data);
      this.#options.sends.submit(this.#sending);
    }
    return true;
  }

  #sender(channel: number, data: Uint8Array): Sender {
    return {
      channel,
      fetch: (got) => {
        got(data.length === 0 ? Errno.EINVAL : 0, data);
        return { cancel: () => false };
      },
      settle: (errno) => this.#settled(errno),
      // Nobody interrupts it.
      restart: () => {},
    };
  }

  #settled(errno: number): void {
    this.#sending = null;
    if (errno !== 0) this.#refuse(errno);
    // Where nothing more is sent, `takeRest` took it.
    else if (!this.#refused && this.#guarded(() => this.#reader.took(), false)) this.#ring();
    this.#pump();
  }

  #refuse(errno: number): void {
    if (this.#refused) return;
    this.#refused = true;
    this.#segment.sendErrno = errno;
    this.#ring();
  }

  /** A program that writes into its rings what it must not has none any more. */
  #guarded<T>(look: () => T, otherwise: T): T {
    try {
      return look();
    } catch {
      this.release(Errno.EPROTO);
      return otherwise;
    }
  }

  #ring(): void {
    const { libc, socket } = this.#options.program;
    if (!this.#released && !this.#left) libc.ring(socket);
  }
}
