/**
 * The bound of what a session holds unread, all its channels together: `readQueueBytes`. A full one asks the backend to
 * stop, an emptied one to go on; in between lies half the bound, so that a slow reader doesn't cause a stop per message.
 */

/** Bytes that a queued message costs beside its own: its view and its memory's bookkeeping. Short ones are not free. */
export const MESSAGE_COST = 128;

/** Of a BackendSession, what the bound needs. */
export interface BoundSession {
  resume(): void;
  setQueueDepth(messages: number): void;
}

export class ReadBudget {
  readonly #session: BoundSession;
  readonly #limit: number;
  #used = 0;
  #messages = 0;
  #stopped = false;

  constructor(session: BoundSession, limit: number) {
    this.#session = session;
    this.#limit = limit;
  }

  /** Whether the backend was told to stop, and not yet to go on. */
  get stopped(): boolean {
    return this.#stopped;
  }

  take(bytes: number): void {
    this.#used += bytes + MESSAGE_COST;
    this.#messages += 1;
    this.#session.setQueueDepth(this.#messages);
  }

  give(bytes: number): void {
    this.#used -= bytes + MESSAGE_COST;
    this.#messages -= 1;
    this.#session.setQueueDepth(this.#messages);
    if (!this.#stopped || this.#used > this.#limit / 2) return;
    this.#stopped = false;
    this.#session.resume();
  }

  /** The answer to the backend after a message: whether it may bring another. */
  open(): boolean {
    if (this.#used < this.#limit) return true;
    this.#stopped = true;
    return false;
  }
}
