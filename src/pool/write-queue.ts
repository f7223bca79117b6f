/**
 * The writing half of a session: its flows take turns message by message, as long as the backend has room and no more
 * than `writeQueueBytes` are under way. What waits here has not started, and can still be cancelled.
 */
import type { BackendSession } from './backend.js';
import { Deque } from './deque.js';
import type { FlowWriter } from './flow-writer.js';
import { MESSAGE_COST } from './read-bound.js';

export class WriteQueue {
  readonly session: Pick<BackendSession, 'send' | 'maxMessageSize'>;
  readonly #limit: number;
  readonly #sent: () => void;
  /** Flows with messages to send, each once, in the order of their turns. */
  readonly #turns = new Deque<FlowWriter>();
  #underWay = 0;
  #full = false;
  #pumping = false;
  /** Flows that are not flushed. */
  #busy = 0;
  readonly #flushWaiters: (() => void)[] = [];

  /**
   * @param limit bytes under way
   * @param sent called for each message that went out
   */
  constructor(session: Pick<BackendSession, 'send' | 'maxMessageSize'>, limit: number, sent: () => void = () => {}) {
    this.session = session;
    this.#limit = limit;
    this.#sent = sent;
  }

  /** The flow has a message to send, and isn't in line yet. */
  enqueue(writer: FlowWriter): void {
    this.#turns.push(writer);
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
      if (writer.ready) {
        const cost = writer.nextSize + MESSAGE_COST;
        // One message that is larger than the bound still passes, alone.
        if (this.#underWay > 0 && this.#underWay + cost > this.#limit) break;
        this.#underWay += cost;
        this.#full = !writer.sendNext();
      }
      this.#turns.shift();
      if (writer.ready) this.#turns.push(writer);
      else writer.leftLine();
    }
    this.#pumping = false;
  }

  busy(): void {
    this.#busy += 1;
  }

  idle(): void {
    this.#busy -= 1;
    if (this.#busy === 0) for (const flushed of this.#flushWaiters.splice(0)) flushed();
  }

  /** Settles when all that was accepted was sent, or can't be any more. Never rejects. */
  flushed(): Promise<void> {
    if (this.#busy === 0) return Promise.resolve();
    return new Promise((resolve) => this.#flushWaiters.push(resolve));
  }
}
