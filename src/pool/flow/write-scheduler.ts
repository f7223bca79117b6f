/**
 * The writing half of a session: its flows take turns message by message, as long as the backend has room and no more
 * than `writeQueueBytes` are under way. What waits here has not started, and can still be cancelled.
 */
import type { PoolError } from '../../base/errors.js';
import type { BackendSession } from '../backend.js';
import { Deque } from './deque.js';
import type { FlowWriter } from './flow-writer.js';
import { MESSAGE_COST } from './read-budget.js';

/** Of a backend's session, what sending needs. */
export type SendingSession = Pick<BackendSession, 'send' | 'maxMessageSize' | 'flush'>;

export class WriteScheduler {
  readonly session: SendingSession;
  readonly #limit: number;
  readonly #sent: () => void;
  /** Flows with messages to send, each once, in the order of their turns. */
  readonly #turns = new Deque<FlowWriter>();
  /** Flows that are not flushed. */
  readonly #busy = new Set<FlowWriter>();
  /** Who waits for a flow to be flushed, or for all of them. */
  #flushes: { readonly of: FlowWriter | null; readonly flushed: () => void }[] = [];
  #underWay = 0;
  #full = false;
  #pumping = false;

  /**
   * @param limit bytes under way
   * @param sent called for each message that went out
   */
  constructor(session: SendingSession, limit: number, sent: () => void = () => {}) {
    this.session = session;
    this.#limit = limit;
    this.#sent = sent;
  }

  /** The flow has a message to send, and isn't in line yet. */
  enqueue(writer: FlowWriter): void {
    this.#turns.push(writer);
  }

  /** Whether messages are with the backend that have not gone out. */
  get underWay(): boolean {
    return this.#underWay > 0;
  }

  /** The backend has room again. */
  drained(): void {
    this.#full = false;
    this.pump();
  }

  /** The backend is done with a message of so many bytes. */
  finished(bytes: number): void {
    this.#underWay -= bytes + MESSAGE_COST;
    this.#sent();
  }

  /** Starts what may start. */
  pump(): void {
    // A backend may be done with a message before `send` returns, which leads here again.
    if (this.#pumping) return;
    this.#pumping = true;
    for (let writer = this.#turns.first(); writer !== undefined && !this.#full; writer = this.#turns.first()) {
      const next = writer.take(this.#room());
      if (next === 'too long') break;
      if (next !== null) this.#send(writer.channel, next.data, next.done);
      this.#turns.shift();
      if (writer.ready) this.#turns.push(writer);
      else writer.leftLine();
    }
    this.#pumping = false;
  }

  /** Whether nothing waits in line, and a message of so many bytes may start at once. */
  free(bytes: number): boolean {
    return !this.#full && !this.#pumping && this.#turns.length === 0 && bytes <= this.#room();
  }

  /** Starts a message past the line; `free` has said that it may. */
  sendNow(channel: number, data: Uint8Array, done: (error?: PoolError) => void): void {
    this.#pumping = true;
    this.#send(channel, data, done);
    this.#pumping = false;
  }

  /** Bytes that the next message may have. One that is longer than the bound still passes, alone. */
  #room(): number {
    return this.#underWay === 0 ? Infinity : this.#limit - this.#underWay - MESSAGE_COST;
  }

  #send(channel: number, data: Uint8Array, done: (error?: PoolError) => void): void {
    this.#underWay += data.length + MESSAGE_COST;
    this.#full = !this.session.send(channel, data, done);
  }

  /** Whether the flow has something that is accepted and neither sent nor given up. */
  setBusy(writer: FlowWriter, busy: boolean): void {
    if (busy) {
      this.#busy.add(writer);
      return;
    }
    this.#busy.delete(writer);
    if (this.#flushes.length === 0) return;
    const settled = this.#flushes.filter(({ of }) => !this.#unflushed(of));
    this.#flushes = this.#flushes.filter(({ of }) => this.#unflushed(of));
    for (const { flushed } of settled) flushed();
  }

  /** Settles when all that was accepted, by one flow or by all, was sent, or can't be any more. Never rejects. */
  flushed(of: FlowWriter | null = null): Promise<void> {
    if (!this.#unflushed(of)) return Promise.resolve();
    return new Promise((flushed) => this.#flushes.push({ of, flushed }));
  }

  #unflushed(of: FlowWriter | null): boolean {
    return of === null ? this.#busy.size > 0 : this.#busy.has(of);
  }
}
