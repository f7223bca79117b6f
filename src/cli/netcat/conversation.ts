/** A stream each way and a flow of a session between them, until one of them ends. */
import type { Writable } from 'node:stream';
import { onAbort } from '../../base/abort.js';
import { type Flow, PoolError } from '../../index.js';
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-codes.js';
import { writeChunks } from '../write-chunks.js';
import { LineSplitter, LineTooLong } from './lines.js';

/** What gives the bytes to send: a ChunkSource, or one with conditions of its own. */
export interface Input {
  /** Null at the end. Rejects with the reason of `signal`, and what comes later is the next call's. */
  next(signal?: AbortSignal): Promise<Buffer | null>;
}

export interface ConversationOptions {
  input: Input;
  output: Writable;
  /** Each line of the input is a message, and each message a line of the output; else both are bytes. */
  messages: boolean;
  /**
   * ms: once the input has ended, the conversation ends when so long nothing came. Infinity waits for the peer's end. There
   * is no half close in POOL, so that the peer can't be told that nothing follows.
   */
  quitAfter: number;
  /** Ends the conversation at once. */
  stop: AbortSignal;
}

/**
 * Settles when the conversation is over: all that was taken from the input was sent, and what came was printed. The
 * session is still to be closed.
 * @throws (rejects) the session's error; CliError when the peer closed while there was more to send, or when a line is no
 * message; the error of a stream; the reason of `stop`
 */
export async function converse(flow: Flow, options: ConversationOptions): Promise<void> {
  const conversation = new Conversation(flow, options);
  await conversation.run();
}

const NEWLINE = Buffer.from('\n');

class Conversation {
  readonly #flow: Flow;
  readonly #options: ConversationOptions;
  /** Fired by `stop`, and by the end of one direction that is the other's as well. */
  readonly #over = new AbortController();
  #inputEnded = false;
  /** Whether something was read from the input that is not sent yet. */
  #unsent = false;

  constructor(flow: Flow, options: ConversationOptions) {
    this.#flow = flow;
    this.#options = options;
  }

  async run(): Promise<void> {
    const { stop } = this.#options;
    const unlisten = onAbort(stop, (reason) => this.#over.abort(reason));
    const receiving = this.#receive().finally(() => this.#over.abort());
    // A session that fails tells it to receiving, after what came. Input that fails ends the whole.
    const sending = this.#send().catch((error: unknown) => {
      if (!(error instanceof PoolError)) this.#over.abort(error);
    });
    try {
      await receiving;
      await sending;
      if (this.#unsent) throw this.#cutOff();
    } finally {
      unlisten();
    }
  }

  async #send(): Promise<void> {
    const { input, messages } = this.#options;
    const signal = this.#over.signal;
    const lines = messages ? new LineSplitter(this.#flow.maxMessageSize) : null;
    for (let chunk = await input.next(signal); chunk !== null; chunk = await input.next(signal)) {
      this.#unsent = true;
      if (lines === null) await this.#flow.write(chunk, { signal });
      else await this.#sendLines(lines, chunk);
      this.#unsent = false;
    }
    if (lines !== null) await this.#flow.writeMessages(lines.end(), { signal });
    this.#inputEnded = true;
    this.#expectSilence();
  }

  async #sendLines(lines: LineSplitter, chunk: Buffer): Promise<void> {
    const { whole, error } = cut(lines, chunk);
    await this.#flow.writeMessages(whole, { signal: this.#over.signal });
    if (error !== null) throw error;
  }

  async #receive(): Promise<void> {
    const { output, messages } = this.#options;
    for (;;) {
      this.#expectSilence();
      const batch = await this.#next();
      if (batch === null) return;
      await writeChunks(output, messages ? batch.flatMap((message) => [message, NEWLINE]) : batch);
    }
  }

  /** Null when the peer has closed, or is silent for long enough. */
  async #next(): Promise<Uint8Array[] | null> {
    try {
      return await this.#flow.readMessages({ signal: this.#over.signal });
    } catch (error) {
      const timedOut = error instanceof PoolError && error.timeout && this.#flow.state === 'open';
      if (timedOut && this.#inputEnded) return null;
      throw error;
    }
  }

  /** From here on, so that the time in which the output is slow doesn't count. */
  #expectSilence(): void {
    const { quitAfter } = this.#options;
    if (this.#inputEnded && quitAfter !== Infinity) this.#flow.setReadDeadline(Date.now() + quitAfter);
  }

  #cutOff(): CliError {
    const peer = this.#flow.remoteAddr.toString();
    return new CliError(EXIT.FAILURE, `${peer} closed the session before everything was sent`);
  }
}

/** A line that is too long comes after those that are not. */
function cut(lines: LineSplitter, chunk: Buffer): { whole: readonly Buffer[]; error: LineTooLong | null } {
  try {
    return { whole: lines.push(chunk), error: null };
  } catch (error) {
    if (!(error instanceof LineTooLong)) throw error;
    return { whole: error.before, error };
  }
}
