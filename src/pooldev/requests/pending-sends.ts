/**
 * The SENDs of one slot, one after the other. A SEND waits where its peer does not read, with its bytes still in the
 * caller's memory: what the device holds for a slot is one message beside what the node buffers.
 */
import { Errno } from '../../base/errno.js';

/** A SEND. `settle` is called once, with 0 or a positive errno. */
export interface Sender {
  channel: number;
  /** Fetches the bytes, valid only until `got` returns; `got` may be called at once. */
  fetch(got: (errno: number, bytes: Uint8Array) => void): { cancel(): boolean };
  settle(errno: number): void;
  /** In place of `settle`: nothing of it was sent, and its caller has something else to do first. */
  restart(): void;
}

/** What a session takes; see NodeSession.send. */
export type SendMessage = (channel: number, bytes: Uint8Array, done: (error?: Error) => void) => boolean;

interface Current {
  sender: Sender;
  fetching: { cancel(): boolean } | null;
  /** The message is the node's: it goes out whole or the session ends. */
  sent: boolean;
}

export interface PendingSendsOptions {
  /** The module's way: an interrupted SEND leaves part of a packet behind, and later ones vanish in it (hazard 11). */
  strictModule: boolean;
  send: SendMessage;
  /** What SEND gives when the session is over by now, else 0. */
  verdict(): number;
}

export class PendingSends {
  readonly #options: PendingSendsOptions;
  readonly #waiting: Sender[] = [];
  #current: Current | null = null;
  /** The node has no room; nothing is fetched before `drain`. */
  #blocked = false;
  #wrecked = false;
  #epoch = 0;

  constructor(options: PendingSendsOptions) {
    this.#options = options;
  }

  /** Whether a SEND waits. */
  get isBusy(): boolean {
    return this.#current !== null || this.#waiting.length > 0;
  }

  submit(sender: Sender): void {
    const errno = this.#options.verdict();
    if (errno !== 0 || this.#wrecked) {
      sender.settle(errno);
      return;
    }
    this.#waiting.push(sender);
    this.#next();
  }

  /** Whether the node has the sender's message, and its outcome is still to come. */
  hasSent(sender: Sender): boolean {
    return this.#current?.sender === sender && this.#current.sent;
  }

  /** Sends whatever room there is, and before whoever waits: what is to go out before a CLOSE. False where the session is over. */
  sendLast(channel: number, bytes: Uint8Array): boolean {
    if (this.#options.verdict() !== 0 || this.#wrecked) return false;
    this.#options.send(channel, bytes, () => {});
    return true;
  }

  /**
   * The caller got a signal. A message that started goes out whole; one that did not is taken back where `impatient` says
   * so, which is asked of no other.
   */
  interrupt(sender: Sender, impatient: () => boolean): void {
    const at = this.#waiting.indexOf(sender);
    if (at >= 0) {
      if (!impatient()) return;
      this.#waiting.splice(at, 1);
      sender.restart();
      return;
    }
    const current = this.#current;
    if (current?.sender !== sender) return;
    if (current.sent) {
      this.#wrecked = this.#options.strictModule;
      this.#finish(current, this.#wrecked ? Errno.EINTR : 0);
    } else if (impatient() && current.fetching?.cancel() === true) {
      this.#current = null;
      sender.restart();
      this.#next();
    }
  }

  /** The node has room again. */
  drain(): void {
    this.#blocked = false;
    this.#next();
  }

  /** The session is over, or its slot is somebody else's from now on: whoever waits gets `errno`. */
  end(errno: number): void {
    this.#epoch++;
    this.#blocked = false;
    this.#wrecked = false;
    const current = this.#current;
    this.#current = null;
    if (current !== null) {
      current.fetching?.cancel();
      current.sender.settle(errno);
    }
    for (const sender of this.#waiting.splice(0)) sender.settle(errno);
  }

  #next(): void {
    while (this.#current === null && !this.#blocked) {
      const sender = this.#waiting.shift();
      if (sender === undefined) return;
      const current: Current = { sender, fetching: null, sent: false };
      const epoch = this.#epoch;
      this.#current = current;
      const fetching = sender.fetch((errno, bytes) => {
        if (epoch !== this.#epoch || this.#current !== current) return;
        const refused = errno || this.#options.verdict();
        if (refused !== 0) this.#finish(current, refused);
        else this.#send(current, bytes);
      });
      if (this.#current === current) current.fetching = fetching;
    }
  }

  #send(current: Current, bytes: Uint8Array): void {
    const epoch = this.#epoch;
    let outcome: number | null = null;
    current.sent = true;
    const hasRoom = this.#options.send(current.sender.channel, bytes, (error) => {
      outcome = error === undefined ? 0 : this.#options.verdict() || Errno.EPIPE;
      if (epoch === this.#epoch && this.#current === current) this.#finish(current, outcome);
    });
    if (epoch !== this.#epoch) return;
    this.#blocked = !hasRoom;
    if (this.#current !== current) return;
    if (hasRoom) this.#finish(current, outcome ?? 0);
  }

  #finish(current: Current, errno: number): void {
    this.#current = null;
    current.sender.settle(errno);
    this.#next();
  }
}
