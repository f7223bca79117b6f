/**
 * The sending half of a session's socket. What the protocol produces in one tick leaves in one writev at the tick's end, or in
 * a few on the way there where it is many messages; the callers of `send` are told when the last byte of their message was
 * handed to the system.
 */
import type { PoolError } from '../../base/errors.js';
import { FIRST_WRITE_MESSAGES, WRITE_BATCH, WRITE_HIGH_WATER, WRITE_LOW_WATER } from '../constants.js';
import { nextTick, setImmediate } from '../../base/timers.js';
import { TurnShare } from '../../base/turn-share.js';

/** Of net.Socket, what sending needs. */
export interface WritableSocket {
  readonly writableLength: number;
  readonly destroyed: boolean;
  cork(): void;
  uncork(): void;
  write(data: Uint8Array, written?: (error?: Error | null) => void): boolean;
}

/** Of the protocol's Session, what sending needs. */
export interface OutputSource {
  readonly hasOutput: boolean;
  takeOutput(): Uint8Array[];
  outputWritten(): void;
}

export type Sent = (error?: PoolError) => void;

export interface OutputOwner {
  /** `sent` answered false before, and there is room again. */
  room(): void;
  /** A callback of `sent` threw. */
  threw(error: unknown): void;
}

/** Some milliseconds of work. */
const FLUSHES_A_TURN = 32;

export class SocketOutput {
  readonly #socket: WritableSocket;
  readonly #source: OutputSource;
  readonly #owner: OutputOwner;
  /** Bytes that the protocol holds for the next flush, headers left out: only an estimate of what to wait for. */
  #gathered = 0;
  /** Messages since the last flush, and how many of them are worth a flush before the tick's end. */
  #messages = 0;
  #batch = FIRST_WRITE_MESSAGES;
  #scheduled = false;
  #tick = 0;
  #stopped = false;
  #wantsRoom = false;
  /** Callbacks of messages in the next flush, and of those in the flushes that the socket has not finished. */
  #waiting: Sent[] = [];
  readonly #flushed: Sent[][] = [];
  readonly #turns = new TurnShare(FLUSHES_A_TURN);
  /** Callbacks of messages that were handed to the system, and are told so in the next turn. */
  #told: Sent[] | null = null;

  constructor(socket: WritableSocket, source: OutputSource, owner: OutputOwner) {
    this.#socket = socket;
    this.#source = source;
    this.#owner = owner;
  }

  /** Counts the ticks whose end brought a flush. */
  get tick(): number {
    return this.#tick;
  }

  /** Whether a flush comes at the end of this tick. */
  get scheduled(): boolean {
    return this.#scheduled;
  }

  /** The same for all messages whose callbacks come together. */
  get flushing(): object {
    return this.#waiting;
  }

  /** A message of `bytes` was given to the protocol. Returns whether there is room for another. */
  sent(bytes: number, done: Sent | undefined): boolean {
    this.#gathered += bytes;
    this.#messages += 1;
    if (done !== undefined) this.#waiting.push(done);
    this.schedule();
    if (this.#gathered >= WRITE_BATCH) this.flush();
    else if (this.#messages >= this.#batch && this.#socket.writableLength === 0) {
      this.#batch *= 2;
      this.flush();
    }
    if (this.#socket.writableLength + this.#gathered <= WRITE_HIGH_WATER) return true;
    this.#wantsRoom = true;
    return false;
  }

  /** Flushes at the end of the tick. */
  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    nextTick(this.#endOfTick);
  }

  readonly #endOfTick = (): void => {
    this.#scheduled = false;
    this.#batch = FIRST_WRITE_MESSAGES;
    this.#tick += 1;
    this.flush();
  };

  /**
   * Hands the output to the socket, unless the socket holds enough already: then it stays with the protocol, which adds no
   * replies to a backlog, so that a peer which asks and does not read can't make either of them grow.
   */
  flush(): void {
    if (!this.#stopped && this.#socket.writableLength <= WRITE_HIGH_WATER) this.#write();
  }

  /** Hands over all that is left, and nothing after that. What the socket has still settles as it is written. */
  finish(): void {
    if (!this.#stopped) this.#write();
    this.#stopped = true;
  }

  /** Hands over nothing more. */
  stop(): void {
    this.#stopped = true;
  }

  #write(): void {
    this.#gathered = 0;
    this.#messages = 0;
    if (!this.#source.hasOutput) return;
    const pieces = this.#source.takeOutput();
    const last = pieces.length - 1;
    if (last < 0 || this.#socket.destroyed) return;
    this.#flushed.push(this.#waiting);
    this.#waiting = [];
    if (last > 0) this.#socket.cork();
    for (let i = 0; i < last; i++) this.#socket.write(pieces[i]!);
    this.#socket.write(pieces[last]!, this.#written);
    if (last > 0) this.#socket.uncork();
  }

  /** Tells a sender, in the next turn, that its message was not taken. */
  refuse(error: PoolError, done: Sent): void {
    nextTick(() => this.#settle([done], error));
  }

  /** Settles what was not sent; what the socket says after this is not listened to. */
  fail(error: PoolError): void {
    this.#tellTold();
    this.#settle([...this.#flushed.splice(0).flat(), ...this.#waiting.splice(0)], error);
  }

  /** Writes finish in the order in which they were made. */
  readonly #written = (error?: Error | null): void => {
    // A destroyed socket reports writes that it gave up, some of them without an error: `fail` settles those.
    if (error || this.#socket.destroyed) return;
    this.#source.outputWritten();
    this.#tell(this.#flushed.shift() ?? []);
    if (this.#stopped) return;
    this.flush();
    if (!this.#wantsRoom || this.#socket.writableLength + this.#gathered > WRITE_LOW_WATER) return;
    this.#wantsRoom = false;
    try {
      this.#owner.room();
    } catch (thrown) {
      this.#owner.threw(thrown);
    }
  };

  #tell(batch: readonly Sent[]): void {
    if (this.#told !== null) for (const done of batch) this.#told.push(done);
    else if (!this.#turns.spent()) this.#settle(batch);
    else {
      this.#told = [...batch];
      setImmediate(this.#tellTold);
    }
  }

  readonly #tellTold = (): void => {
    const batch = this.#told ?? [];
    this.#told = null;
    this.#settle(batch);
  };

  #settle(batch: readonly Sent[], error?: PoolError): void {
    for (const done of batch) {
      try {
        done(error);
      } catch (thrown) {
        this.#owner.threw(thrown);
      }
    }
  }
}
