/** One side of a transfer's conversation on a session: typed messages, a bound on silence, and a good end. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Conn, MAX_PORTABLE_MESSAGE, PoolError } from '../../index.js';
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-codes.js';
import { asError, broken, reasonOf, TransferFailure } from './failure.js';
import { printableName } from './file-name.js';
import {
  type ControlMessage,
  type ControlType,
  type Data,
  decode,
  encode,
  failMessage,
  payloadBytes,
  WAIT_EVERY_MS,
} from './messages.js';

/** What a conversation needs of a Conn. */
export type TransferConn = Pick<
  Conn,
  'readMessages' | 'writeMessages' | 'setReadDeadline' | 'setWriteDeadline' | 'close' | 'maxMessageSize'
>;

/** How a side talks. */
export interface ConversationTimes {
  /** ms of silence, or of taking nothing, after which the peer is given up. */
  idleTimeout: number;
  /** Ends what waits. */
  signal: AbortSignal;
  /** ms between two signs of life while the disk is at work; {@link WAIT_EVERY_MS} where nothing is said. */
  waitEvery?: number;
}

/** Messages that are read in one hop. */
const BATCH = 64;
/** Signs of life in a row that are taken for one: a peer that reads its disk for longer than this is not at work. */
const MAX_WAITS = 17_280; // a day
/** ms for the peer to read a last word. */
const LAST_WORD_MS = 2000;

/** The peer told that it failed. */
export class PeerFailure extends TransferFailure {}

/** The peer closed the session. */
export class PeerClosed extends CliError {}

export class TransferConversation {
  /** Bytes of a file that fit into one message. */
  readonly payload: number;
  /** "the receiver" or "the sender", for messages. */
  readonly peer: string;
  readonly #conn: TransferConn;
  readonly #options: ConversationTimes;
  readonly #queue: (Uint8Array | null)[] = [];
  #reading: Promise<void> | null = null;
  #failure: Error | null = null;
  #waits = 0;
  #heard = { count: 0, at: performance.now() };
  #working = 0;
  #signing = false;

  constructor(conn: TransferConn, peer: 'receiver' | 'sender', options: ConversationTimes) {
    this.#conn = conn;
    this.peer = `the ${peer}`;
    this.#options = options;
    this.payload = payloadBytes(Math.min(conn.maxMessageSize, MAX_PORTABLE_MESSAGE));
  }

  tell(control: ControlMessage): Promise<void> {
    return this.data([encode(control)]);
  }

  /** Sends messages as they are. */
  async data(messages: readonly Uint8Array[]): Promise<void> {
    const { idleTimeout, signal } = this.#options;
    this.#conn.setWriteDeadline(Date.now() + idleTimeout);
    try {
      await this.#conn.writeMessages(messages, { signal });
    } catch (error) {
      // A peer that failed says why before it closes, and that tells more than a write into a closed session.
      if (!signal.aborted) await this.#lastWord();
      throw this.#explained(error, `took nothing for ${idleTimeout / 1000} s`);
    }
  }

  /** The next message; null when the peer has closed. Signs of life are not given. */
  async next(): Promise<ControlMessage | Data | null> {
    for (;;) {
      if (this.#queue.length === 0) await this.#wait();
      const control = this.#take();
      if (control?.type !== 'wait') return control;
    }
  }

  /** How many messages came so far, and how long ago the last did; null while `busy` is at work. */
  heard(): { count: number; silentMs: number | null } {
    const { count, at } = this.#heard;
    return { count, silentMs: this.#working > 0 ? null : performance.now() - at };
  }

  /** A message that is here already; undefined when there is none. */
  poll(): ControlMessage | Data | null | undefined {
    while (this.#queue.length > 0) {
      const control = this.#take();
      if (control?.type !== 'wait') return control;
    }
    if (this.#failure !== null) throw this.#failure;
    this.#read();
    return undefined;
  }

  /** The next message, which is one of these. Rejects with what the peer failed of, or when it has closed. */
  async expect<T extends ControlType>(...types: T[]): Promise<ControlMessage<T>> {
    return this.require(await this.next(), ...types);
  }

  /** As `expect`, of a message that came. */
  require<T extends ControlType>(control: ControlMessage | Data | null, ...types: T[]): ControlMessage<T> {
    if (control === null) throw this.#closed();
    if ((types as string[]).includes(control.type)) return control as ControlMessage<T>;
    if (control.type === 'fail') throw new PeerFailure(reasonOf(control.reason), printableName(control.message));
    throw broken(`${this.peer} sent "${control.type}" where "${types.join('" or "')}" was expected`);
  }

  /** Gives signs of life until `work` has settled. */
  async busy<T>(work: Promise<T>): Promise<T> {
    this.#working++;
    const timer = setInterval(() => void this.#sign(), this.#options.waitEvery ?? WAIT_EVERY_MS);
    try {
      return await work;
    } finally {
      clearInterval(timer);
      this.#working--;
      this.#heard.at = performance.now();
    }
  }

  /** Waits until the peer has closed, so that nothing it has not read is lost; what it still sends is dropped. */
  async drain(ms: number): Promise<void> {
    this.#conn.setReadDeadline(Date.now() + ms);
    try {
      if (this.#reading !== null) await this.#reading;
      let ended = this.#queue.includes(null);
      this.#queue.length = 0;
      while (!ended) ended = (await this.#conn.readMessages({ max: BATCH })) === null;
    } catch {
      // It is gone, or it does not go: either way nothing is left to wait for.
    }
  }

  /** Tells why this side gives up, and waits a moment for the peer to read it. Never rejects. */
  async giveUp(reason: string, message: string): Promise<void> {
    this.#conn.setWriteDeadline(Date.now() + LAST_WORD_MS);
    try {
      await this.#conn.writeMessages([encode(failMessage(reason, message))]);
      await this.drain(LAST_WORD_MS);
    } catch {
      // Nobody is there to be told.
    }
  }

  /** A sign of life, unless the one before still waits to go out: more of them would say no more. */
  async #sign(): Promise<void> {
    if (this.#signing) return;
    this.#signing = true;
    try {
      // The deadline of what was said last may be over by now, and nothing goes out after it.
      this.#conn.setWriteDeadline(Date.now() + this.#options.idleTimeout);
      await this.#conn.writeMessages([encode({ type: 'wait' })]);
    } catch {
      // Whoever asks for the next message hears of it.
    } finally {
      this.#signing = false;
    }
  }

  #take(): ControlMessage | Data | null {
    const message = this.#queue.shift() ?? null;
    if (message === null) {
      this.#queue.unshift(null); // the end stays the end
      return null;
    }
    const control = decode(message, this.peer);
    this.#waits = control.type === 'wait' ? this.#waits + 1 : 0;
    if (this.#waits > MAX_WAITS) throw broken(`${this.peer} has been busy for a day`);
    return control;
  }

  async #wait(): Promise<void> {
    const { idleTimeout } = this.#options;
    if (this.#failure === null) {
      this.#read();
      this.#conn.setReadDeadline(Date.now() + idleTimeout);
      await this.#reading;
      this.#conn.setReadDeadline(null);
    }
    if (this.#queue.length === 0) throw this.#explained(this.#failure, `has said nothing for ${idleTimeout / 1000} s`);
  }

  #read(): void {
    if (this.#failure !== null) return;
    const { signal } = this.#options;
    this.#reading ??= this.#conn.readMessages({ max: BATCH, signal }).then(
      (messages) => {
        this.#reading = null;
        this.#heard = { count: this.#heard.count + 1, at: performance.now() };
        if (messages === null) this.#queue.push(null);
        else this.#queue.push(...messages);
      },
      (error: unknown) => {
        this.#reading = null;
        this.#failure = asError(error);
      },
    );
  }

  async #lastWord(): Promise<void> {
    this.#read();
    this.#conn.setReadDeadline(Date.now() + LAST_WORD_MS);
    await Promise.race([this.#reading, delay(LAST_WORD_MS, undefined, { ref: false })]);
    for (;;) {
      const control = this.#queue.length === 0 || this.#queue[0] === null ? null : this.#take();
      if (control === null) return;
      if (control.type === 'fail') this.require(control);
    }
  }

  #closed(cause?: unknown): PeerClosed {
    return new PeerClosed(EXIT.FAILURE, `${this.peer} closed the connection`, { cause });
  }

  #explained(error: unknown, what: string): Error {
    if (error instanceof PoolError && error.code === 'ERR_POOL_NOT_ESTABLISHED') return this.#closed(error);
    if (!(error instanceof PoolError && error.timeout)) return asError(error);
    return new CliError(EXIT.TEMPORARY, `${this.peer} ${what}`, { cause: error });
  }
}
