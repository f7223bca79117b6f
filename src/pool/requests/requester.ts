/** Requests over a flow: as many at a time as wanted, each with a number, a deadline and a signal. */
import type { Bytes, BytesInput } from '../../base/bytes.js';
import { asRejection, onAbort, throwIfAborted } from '../../base/abort.js';
import { PoolError } from '../../base/errors.js';
import { clearTimeout, LONGEST_TIMER_MS, setTimeout } from '../../base/timers.js';
import { atCallSite, type CallSite, callSite, methodSite } from '../call-site.js';
import type { Flow } from '../flow/flow.js';
import { toBytes } from '../flow/written-data.js';
import { endError, located, opError, type OpTarget } from '../op-error.js';
import type { OpOptions } from '../op-options.js';
import { reader } from '../options.js';
import { claim, targetOf } from './claim.js';
import { type Envelope, foreign, ID_LIMIT, pack, packRequest, REQUEST_HEADER_BYTES, unpack } from './envelope.js';

/** Options of {@link Requester.request}. */
export interface RequestOptions extends OpOptions {
  /** ms for the way there, the handler and the way back, counted from the call; 0 is none. Default 30 000. */
  timeout?: number | undefined;
}

/** What asks over a flow: see {@link requester}. */
export interface Requester {
  /**
   * Sends `data` to the peer's handler, and gives its answer. Requests go out in the order of the calls, and answers come in
   * any order. Nothing is sent twice: after an error but ERR_POOL_REQUEST_FAILED nobody here knows whether the handler ran.
   * A request that is given up is cancelled at the peer, whose handler learns of it by its signal.
   * @param data bytes, or a string, which is sent as UTF-8; also nothing, and at most 9 bytes less than `maxMessageSize`
   * @throws (rejects) PoolError ERR_POOL_TIMEOUT after `timeout`; ERR_POOL_REQUEST_FAILED where the handler failed, or was stopped;
   * ERR_POOL_NOT_ESTABLISHED where the peer closed before it answered, ERR_POOL_CLOSED where this side did, and the error of a
   * session that broke; ERR_POOL_PROTOCOL where the peer sent something else than answers, which also destroys the flow;
   * ERR_POOL_MESSAGE_TOO_LARGE, ERR_INVALID_ARG_TYPE and ERR_OUT_OF_RANGE before anything is sent; the signal's reason
   */
  request(data: BytesInput | string, options?: RequestOptions): Promise<Bytes>;
  /** As `request`; the answer as text: its bytes as UTF-8. */
  requestText(data: BytesInput | string, options?: RequestOptions): Promise<string>;
  /** Requests that wait for their answer. */
  readonly pending: number;
}

const DEFAULT_TIMEOUT_MS = 30_000;

/**
 * Makes requests over a Conn or a Channel whose other end is given to {@link respond}, on either backend. From now on it reads
 * the flow, up to its end: leave reading and writing to it. For requests in both directions take two channels.
 * @throws PoolError ERR_INVALID_ARG_TYPE; ERR_POOL_LOCKED where the flow has a requester or is responded on already
 * @example console.log(await requester(conn).requestText('six times seven?', { timeout: 1000 }));
 */
export function requester(flow: Flow): Requester {
  const site = callSite(requester);
  try {
    claim(flow);
  } catch (error) {
    throw atCallSite(error, site);
  }
  return new FlowRequester(flow);
}

interface Pending {
  answer(body: Bytes): void;
  fail(error: unknown): void;
}

class FlowRequester implements Requester {
  readonly #flow: Flow;
  readonly #target: OpTarget;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  /** Why there are no answers any more. */
  #end: PoolError | null = null;

  constructor(flow: Flow) {
    this.#flow = flow;
    this.#target = targetOf(flow);
    void this.#read();
  }

  get pending(): number {
    return this.#pending.size;
  }

  request(data: BytesInput | string, options?: RequestOptions): Promise<Bytes> {
    return this.#from(methodSite<'request'>(this, 'request'), data, options);
  }

  async requestText(data: BytesInput | string, options?: RequestOptions): Promise<string> {
    const site = methodSite<'requestText'>(this, 'requestText');
    return Buffer.from(await this.#from(site, data, options)).toString();
  }

  async #from(site: CallSite, data: BytesInput | string, options: RequestOptions | undefined): Promise<Bytes> {
    let signal: AbortSignal | undefined;
    try {
      const read = reader(options);
      signal = read.signal('signal');
      const timeout = read.milliseconds('timeout') ?? DEFAULT_TIMEOUT_MS;
      read.done();
      const body = toBytes(data);
      const most = this.#flow.maxMessageSize - REQUEST_HEADER_BYTES;
      if (body.length > most) {
        const why = `a request of ${body.length} bytes is longer than this session's ${most}`;
        throw new PoolError('ERR_POOL_MESSAGE_TOO_LARGE', why);
      }
      throwIfAborted(signal);
      return await this.#ask(body, timeout, signal);
    } catch (error) {
      throw atCallSite(located('request', this.#target, error), site, signal);
    }
  }

  #ask(body: Uint8Array, timeout: number, signal: AbortSignal | undefined): Promise<Bytes> {
    // One for each request, so that each has a stack of its own.
    if (this.#end !== null) return Promise.reject(this.#ended(this.#end));
    const id = this.#nextId();
    const unsent = new AbortController();
    return new Promise<Bytes>((resolve, reject) => {
      const settle = (): void => {
        this.#pending.delete(id);
        clearTimeout(timer);
        done();
      };
      const fail = (error: unknown): void => {
        settle();
        reject(asRejection(error));
      };
      const giveUp = (reason: unknown): void => {
        fail(reason);
        unsent.abort();
        // What had started by then is sent, and is worth a word to the peer, which may fail like everything else.
        sent.then(() => this.#flow.writeMessage(pack('cancel', id))).catch(() => undefined);
      };
      const late = (): void => giveUp(this.#error('ERR_POOL_TIMEOUT', `no answer within ${timeout} ms`));
      const timer = timeout === 0 ? undefined : setTimeout(late, Math.min(timeout, LONGEST_TIMER_MS));
      this.#pending.set(id, {
        answer: (answer) => {
          settle();
          resolve(answer);
        },
        fail,
      });
      const sent = this.#flow.writeMessage(packRequest(id, timeout, body), { signal: unsent.signal });
      // Where it was given up this is nothing new.
      sent.catch(fail);
      const done = onAbort(signal, giveUp);
    });
  }

  #nextId(): number {
    do this.#lastId = (this.#lastId + 1) % ID_LIMIT;
    while (this.#pending.has(this.#lastId));
    return this.#lastId;
  }

  /** Until there is nothing to read any more. Never rejects. */
  async #read(): Promise<void> {
    try {
      for (;;) {
        const messages = await this.#flow.readMessages();
        if (messages === null) throw this.#error('ERR_POOL_NOT_ESTABLISHED', 'the peer closed, and answers no more');
        for (const message of messages) this.#take(unpack(message));
      }
    } catch (error) {
      this.#end = error as PoolError;
      // Nobody can tell any more which answer is whose.
      if (this.#end.code === 'ERR_POOL_PROTOCOL' && this.#flow.state === 'open') this.#flow.destroy(this.#end);
      for (const pending of [...this.#pending.values()]) pending.fail(this.#ended(this.#end));
    }
  }

  #take(envelope: Envelope): void {
    const { kind, id } = envelope;
    if (kind !== 'answer' && kind !== 'failed') throw foreign(`a ${kind}`);
    // An answer that was given up comes all the same where the peer had sent it by then.
    const pending = this.#pending.get(id);
    if (kind === 'answer') pending?.answer(envelope.body);
    else pending?.fail(this.#error('ERR_POOL_REQUEST_FAILED', "the peer's handler failed; why, is told there"));
  }

  #ended(end: PoolError): PoolError {
    return endError('request', this.#target, end);
  }

  #error(code: 'ERR_POOL_TIMEOUT' | 'ERR_POOL_NOT_ESTABLISHED' | 'ERR_POOL_REQUEST_FAILED', reason: string): PoolError {
    return opError('request', this.#target, code, reason);
  }
}
