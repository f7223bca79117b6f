/** The other end of {@link requester}: a handler for each request, so many at a time. */
import type { Bytes, BytesInput } from '../../base/bytes.js';
import { onAbort } from '../../base/abort.js';
import { checkFunction } from '../../base/arguments.js';
import { PoolError } from '../../base/errors.js';
import { clearTimeout, LONGEST_TIMER_MS, setTimeout } from '../../base/timers.js';
import { atCallSite, callSite } from '../call-site.js';
import { Deque } from '../flow/deque.js';
import type { Flow } from '../flow/flow.js';
import { toBytes } from '../flow/written-data.js';
import { opError } from '../op-error.js';
import type { OpOptions } from '../op-options.js';
import { reader } from '../options.js';
import { warnOnce } from '../warn-once.js';
import { claim, targetOf } from './claim.js';
import { type Envelope, foreign, pack, unpack } from './envelope.js';

/** A request, for the handler of {@link respond}. */
export interface IncomingRequest {
  /** What was sent. */
  readonly data: Bytes;
  /** The same as text: its bytes as UTF-8. */
  text(this: void): string;
  /**
   * Fires when nobody waits for the answer any more: at the request's deadline, when it was given up, at the end of the flow;
   * and when this `respond` is ended, with its reason.
   */
  readonly signal: AbortSignal;
}

/** Gives the answer: bytes, a string, which is sent as UTF-8, or nothing, which is an answer of no bytes. */
export type RequestHandler = (
  request: IncomingRequest,
) => BytesInput | string | void | Promise<BytesInput | string | void>;

/** Options of {@link respond}. */
export interface RespondOptions extends OpOptions {
  /** Handlers at a time; further requests wait, all but one unread, which holds the peer back. Default 64. */
  concurrency?: number | undefined;
  /**
   * Gets what a handler threw, and an answer that can't be sent; the peer is told that it failed after it. Default: a warning
   * for the first. What this throws, or rejects with, ends `respond`.
   */
  onError?: ((error: unknown, request: IncomingRequest) => void | Promise<void>) | undefined;
}

const DEFAULT_CONCURRENCY = 64;

/** Requests that were taken and not begun when this side ended a `respond`: the next one's. */
const leftOver = new WeakMap<Flow, Deque<Bytes>>();

const answered = (reason: string): string => `: ${reason}; its request was answered with a failure`;

/**
 * Answers the requests that a {@link requester} sends over the other end of a Conn or a Channel. Handlers begin in the order in
 * which the requests came; each answer goes out when it is ready. A handler that throws fails its request alone, and the
 * peer learns that it failed, and not why: what an error says may be nobody's business there. An answer has at most 5 bytes
 * less than `maxMessageSize`.
 * @returns once either side has closed the flow and the last handler has ended; their signals fire at the close, and what
 * waits for a place then is not begun
 * @throws (rejects) PoolError ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE, ERR_POOL_LOCKED before anything is read; the error of
 * a session that broke; ERR_POOL_PROTOCOL for a peer that sends something else than requests, which also destroys the flow;
 * what `onError` throws; the signal's reason, with the flow as open as before: requests that had not begun are those of the
 * next `respond`, and the others fail once their handlers, whose signals fire, have ended
 * @example await listener.serve((conn) => respond(conn, (request) => request.text().toUpperCase()));
 */
export async function respond(flow: Flow, handler: RequestHandler, options?: RespondOptions): Promise<void> {
  const site = callSite(respond);
  let signal: AbortSignal | undefined;
  try {
    const read = reader(options);
    checkFunction('the handler', handler);
    const settings = {
      handler,
      concurrency: read.count('concurrency') ?? DEFAULT_CONCURRENCY,
      onError: (read.function('onError') as RespondOptions['onError']) ?? warnOnce('respond', answered),
    };
    signal = read.signal('signal');
    read.done();
    const release = claim(flow);
    try {
      await new Responder(flow, settings).run(signal);
    } finally {
      release();
    }
  } catch (error) {
    throw atCallSite(error, site, signal);
  }
}

interface Settings {
  handler: RequestHandler;
  concurrency: number;
  onError: NonNullable<RespondOptions['onError']>;
}

class Responder {
  readonly #flow: Flow;
  readonly #settings: Settings;
  readonly #running = new Map<number, { stop: AbortController; ended: Promise<void> }>();
  /** Ends the reading: fired by the caller's signal, and by what onError throws. */
  readonly #halt = new AbortController();
  /** The flow has ended. */
  #over = false;
  #wake: () => void = () => {};

  constructor(flow: Flow, settings: Settings) {
    this.#flow = flow;
    this.#settings = settings;
  }

  async run(signal: AbortSignal | undefined): Promise<void> {
    // Not AbortSignal.any: while the signal lives, Node keeps what listens to one, and with it every flow that was responded on.
    const done = onAbort(signal, (reason) => this.#stop(reason));
    // Reading tells it, too, but not while a request waits for its place.
    void this.#flow.closed.then(() => {
      this.#over = true;
      this.#wake();
    });
    try {
      await this.#read();
    } catch (error) {
      const end = error as PoolError;
      if (end.code === 'ERR_POOL_PROTOCOL' && this.#flow.state === 'open') this.#flow.destroy(end);
      // Closed by this side: an end like the peer's.
      if (this.#halt.signal.aborted || end.code !== 'ERR_POOL_CLOSED') throw error;
    } finally {
      done();
      const over = opError('respond', targetOf(this.#flow), 'ERR_POOL_CLOSED', 'nobody waits for the answer any more');
      const { signal: halted } = this.#halt;
      for (const { stop } of this.#running.values()) stop.abort(halted.aborted ? halted.reason : over);
      await Promise.all([...this.#running.values()].map(({ ended }) => ended));
    }
    this.#halt.signal.throwIfAborted();
  }

  async #read(): Promise<void> {
    const { signal } = this.#halt;
    const { concurrency } = this.#settings;
    const before = leftOver.get(this.#flow);
    leftOver.delete(this.#flow);
    const taken = before !== undefined && this.#flow.state === 'open' ? before : new Deque<Bytes>();
    try {
      for (;;) {
        for (let message = taken.first(); message !== undefined; message = taken.first()) {
          signal.throwIfAborted();
          const envelope = unpack(message);
          const begins = envelope.kind !== 'request' || (await this.#room());
          taken.shift();
          if (begins) this.#take(envelope);
        }
        // No more than there are places: the rest waits unread. Where there is none, one: it may give a request up.
        const messages = await this.#flow.readMessages({ signal, max: Math.max(1, concurrency - this.#running.size) });
        if (messages === null) return;
        for (const message of messages) taken.push(message);
      }
    } finally {
      if (signal.aborted && taken.length > 0) leftOver.set(this.#flow, taken);
    }
  }

  /** Waits for a place. False: the flow has ended without one, and nobody hears an answer any more. */
  async #room(): Promise<boolean> {
    while (this.#running.size >= this.#settings.concurrency) {
      this.#halt.signal.throwIfAborted();
      if (this.#over) return false;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    this.#halt.signal.throwIfAborted();
    return true;
  }

  #take(envelope: Envelope): void {
    const { kind, id } = envelope;
    const running = this.#running.get(id);
    if (kind === 'cancel') {
      // It may cross the answer on its way.
      return running?.stop.abort(new PoolError('ABORT_ERR', 'the peer gave the request up'));
    }
    if (kind !== 'request') throw foreign(`an answer, or the word that there is none,`);
    if (running !== undefined) throw foreign(`a second request with the number ${id}`);
    const stop = new AbortController();
    this.#running.set(id, { stop, ended: this.#handle(id, envelope.body, envelope.timeout, stop) });
  }

  /** Never rejects. */
  async #handle(id: number, data: Bytes, timeout: number, stop: AbortController): Promise<void> {
    const late = (): void => stop.abort(new PoolError('ERR_POOL_TIMEOUT', 'the deadline of the request has passed'));
    // The peer's word that it gave up may wait behind requests for which there is no room.
    const timer = timeout === 0 ? undefined : setTimeout(late, Math.min(timeout, LONGEST_TIMER_MS));
    const { signal } = stop;
    const request: IncomingRequest = { data, text: () => Buffer.from(data).toString(), signal };
    // Not before #take has it in its table.
    await Promise.resolve();
    try {
      const answer = pack('answer', id, toBytes((await this.#settings.handler(request)) ?? ''));
      // What a handler gives whose signal has fired may be anything.
      if (signal.aborted) await this.#fail(id, signal);
      else await this.#send(answer);
    } catch (error) {
      await this.#tell(error, request);
      await this.#fail(id, signal);
    } finally {
      clearTimeout(timer);
      this.#running.delete(id);
      this.#wake();
    }
  }

  /** Nothing where nobody waits; a peer does so also where this side alone has ended. */
  async #fail(id: number, { aborted, reason }: AbortSignal): Promise<void> {
    if (aborted && reason !== this.#halt.signal.reason) return;
    await this.#flow.writeMessage(pack('failed', id)).catch(() => undefined);
  }

  /** Why the flow has ended, reading tells. */
  async #send(answer: Uint8Array): Promise<void> {
    try {
      await this.#flow.writeMessage(answer);
    } catch (error) {
      if (this.#flow.state === 'open') throw error;
    }
  }

  async #tell(error: unknown, request: IncomingRequest): Promise<void> {
    // A handler that ends because its signal fired has done what it was asked for.
    if (request.signal.aborted) return;
    try {
      await this.#settings.onError(error, request);
    } catch (fault) {
      this.#stop(fault);
    }
  }

  /** Reads no more. */
  #stop(reason: unknown): void {
    this.#halt.abort(reason);
    this.#wake();
  }
}
