/** A program's end of the rings that it has with the device for a session: no thread and no system call for a message. */
import { ownCopy } from '../../base/bytes.js';
import { Errno } from '../../base/errno.js';
import type { PoolError } from '../../base/errors.js';
import { queueMicrotask } from '../../base/timers.js';
import { checkChannel, checkData } from '../arguments.js';
import type { RingsOptions, SessionRings } from '../types.js';
import { RingReader, RingWriter } from './record-ring.js';
import type { RingLibc, WatchedBell } from './ring-libc.js';
import { RingSegment } from './segment.js';

export interface ProgramRingsOptions extends RingsOptions {
  libc: RingLibc;
  memory: ArrayBuffer;
  socket: number;
  /** What a RECV or SEND that gives so rejects with. */
  errorOf: (call: 'receive' | 'send', errno: number) => PoolError;
  /** Nobody uses them any more. */
  closed: () => void;
}

export class ProgramRings implements SessionRings {
  readonly #options: ProgramRingsOptions;
  readonly #segment: RingSegment;
  readonly #writer: RingWriter;
  readonly #reader: RingReader;
  readonly #watched: WatchedBell;
  /** Nothing is handed over before `resume`. */
  #paused = true;
  #draining = false;
  /** What `room` is waited for. */
  #wanted: 'room' | 'empty' | null = null;
  #refused = false;
  /** The device is gone, or has given the session's slot back. */
  #gone = false;
  #ended = false;
  #open = true;

  constructor(options: ProgramRingsOptions) {
    const { libc, memory, socket } = options;
    this.#options = options;
    this.#segment = new RingSegment(memory);
    this.#writer = new RingWriter(this.#segment.outgoing);
    this.#reader = new RingReader(this.#segment.incoming);
    this.#watched = libc.watch(socket, () => this.#rang());
  }

  push(channel: number, data: Uint8Array): boolean {
    checkChannel(channel);
    const message = checkData(data, false);
    if (!this.#open || this.#refused) return false;
    try {
      if (this.#writer.put(channel, message)) {
        if (this.#writer.tells()) this.#ring();
        return true;
      }
      this.#want('room');
    } catch (error) {
      this.#refuse(error as PoolError);
    }
    return false;
  }

  get unsent(): boolean {
    return this.#open && !this.#refused && !this.#writer.empty;
  }

  flush(): void {
    if (this.#open && !this.#refused) this.#want('empty');
  }

  resume(): void {
    this.#paused = false;
    this.#drain();
  }

  get idle(): boolean {
    return !this.#open || this.#ended || this.#reader.empty;
  }

  close(): void {
    if (!this.#open) return;
    const { libc, memory, socket, closed } = this.#options;
    this.#open = false;
    this.#watched.unwatch();
    // The device that is done with the memory leaves it to us; else it takes what is left to send, and does this itself.
    if (this.#gone || !libc.hear(socket)) libc.discard(memory);
    libc.close(socket);
    closed();
  }

  /** The device is of no more use. */
  fail(error: PoolError): void {
    this.#refuse(error);
    this.#end(error);
  }

  #rang(): void {
    if (!this.#open) return;
    if (!this.#options.libc.hear(this.#options.socket)) {
      this.#gone = true;
      this.#watched.unwatch();
    }
    const { sendErrno } = this.#segment;
    if (sendErrno !== 0) this.#refuse(this.#options.errorOf('send', sendErrno));
    else if (this.#gone) this.#refuse(this.#options.errorOf('send', Errno.ECONNABORTED));
    else this.#look();
    this.#drain();
  }

  #want(what: 'room' | 'empty'): void {
    this.#wanted = what;
    // It may be so by now, and nobody would tell; not before this turn is over.
    queueMicrotask(() => this.#look());
  }

  #look(): void {
    if (this.#wanted === null || !this.#open || this.#refused) return;
    try {
      if (this.#wanted === 'room' ? this.#writer.wantRoom() : this.#writer.wantEmpty()) return;
    } catch (error) {
      this.#refuse(error as PoolError);
      return;
    }
    this.#wanted = null;
    this.#options.room();
  }

  #drain(): void {
    // A message may make its owner resume, or close.
    if (this.#draining) return;
    this.#draining = true;
    try {
      while (this.#open && !this.#paused && !this.#ended) if (!this.#takeOne()) break;
    } finally {
      this.#draining = false;
    }
  }

  /** False where there is none, and the device tells of the next one. */
  #takeOne(): boolean {
    const { message: give, errorOf } = this.#options;
    // Before the look: what came before it was told is there by then.
    const errno = this.#segment.receiveErrno || (this.#gone ? Errno.ECONNABORTED : 0);
    let channel: number;
    let data: Uint8Array;
    try {
      const message = this.#reader.next();
      if (message === null && errno !== 0) {
        this.#end(errorOf('receive', errno));
        return false;
      }
      if (message === null) return !this.#reader.rest();
      channel = message.channel;
      data = ownCopy(message.data);
      if (this.#reader.took()) this.#ring();
    } catch (error) {
      this.#refuse(error as PoolError);
      this.#end(error as PoolError);
      return false;
    }
    this.#paused = !give(channel, data);
    return true;
  }

  #ring(): void {
    this.#options.libc.ring(this.#options.socket);
  }

  #refuse(error: PoolError): void {
    if (!this.#open || this.#refused) return;
    this.#refused = true;
    this.#wanted = null;
    this.#options.refused(error);
  }

  #end(error: PoolError): void {
    if (!this.#open || this.#ended) return;
    this.#ended = true;
    this.#options.ended(error);
  }
}
