/**
 * What arrived on one slot and waits for RECV, and the RECVs that wait for something to arrive (kernel contract,
 * section 2). Knows the rules of delivery by channel; nothing of FUSE or of memory.
 */
import { Errno } from '../../base/errno.js';

/** ms that a RECV waits where nothing is queued. */
const RECV_WAIT = 5000;

/** Bytes that may wait on a slot before its peer is no longer read: the module has no such bound (hazard 14). */
const RECV_QUEUE_BYTES = 1 << 20;

/** What a queued message costs beside its bytes, so that small ones are bounded too. */
const MESSAGE_OVERHEAD = 128;

/** A RECV. Exactly one of the two is called in the end; `deliver` may be followed by another try where it was not taken. */
export interface Receiver {
  channel: number;
  /** Bytes. */
  capacity: number;
  /** Hands over the message, which stays queued until `settle(true)`; a message that is not to be kept is taken, too. */
  deliver(message: Uint8Array, settle: (taken: boolean) => void): void;
  /** A positive errno. */
  fail(errno: number): void;
}

/** Takes messages as they come, wherever no RECV waits. */
export interface Taker {
  /** False: not taken, there is no room before `serveTaker`. */
  take(channel: number, message: Uint8Array): boolean;
  /** There will be no more: a positive errno, which RECV would get. Called once. */
  end(errno: number): void;
}

export interface ReceiveQueueOptions {
  /** The module's way at the peer's CLOSE: what is queued is dropped, and a RECV that waits is not woken (hazard 4). */
  strictModule: boolean;
  wait?: number;
  limit?: number;
  /** The queue was full and has room again. */
  roomAgain(): void;
  depthChanged(messages: number): void;
  /** A message was handed over, and nobody reads its memory any more. */
  consumed?(data: Uint8Array): void;
  /** A message came into an empty queue, and no RECV waits for it. */
  unclaimed?(): void;
}

interface QueuedMessage {
  channel: number;
  data: Uint8Array;
}

interface PendingReceive {
  receiver: Receiver;
  timer: NodeJS.Timeout | undefined;
}

export class ReceiveQueue {
  readonly #options: ReceiveQueueOptions;
  readonly #limit: number;
  #messages: QueuedMessage[] = [];
  #bytes = 0;
  #full = false;
  #waiters: PendingReceive[] = [];
  #taker: Taker | null = null;
  /** A message is being copied to a receiver: everybody else waits for the outcome. */
  #delivering = false;
  /** Counts sessions, so that the outcome of a copy is not mistaken for the next session's. */
  #epoch = 0;
  #end: number | null = null;
  /** The session ended in the module's way: nothing is left to read, and nobody was told. */
  #silent = false;

  constructor(options: ReceiveQueueOptions) {
    this.#options = options;
    this.#limit = options.limit ?? RECV_QUEUE_BYTES;
  }

  get depth(): number {
    return this.#messages.length;
  }

  /** Whether a RECV waits, or gets a message just now. */
  get isBusy(): boolean {
    return this.#delivering || this.#waiters.length > 0;
  }

  /** False: taken, but read no more from the peer before `roomAgain`. */
  push(channel: number, data: Uint8Array): boolean {
    this.#messages.push({ channel, data });
    this.#bytes += data.length + MESSAGE_OVERHEAD;
    const waited = this.#waiters.length > 0;
    this.#serve();
    this.#options.depthChanged(this.#messages.length);
    if (this.#messages.length === 1 && !waited) this.#options.unclaimed?.();
    this.#full = this.#bytes >= this.#limit;
    return !this.#full;
  }

  /** Answers now, or when something arrives, or with ETIMEDOUT. */
  receive(receiver: Receiver): void {
    if (this.#silent && this.#end !== null) {
      receiver.fail(this.#end);
      return;
    }
    const waiter: PendingReceive = { receiver, timer: undefined };
    this.#waiters.push(waiter);
    this.#serve();
    if (!this.#waiters.includes(waiter)) return;
    waiter.timer = setTimeout(() => this.#expire(waiter), this.#options.wait ?? RECV_WAIT);
  }

  /** True: it waited, and does no longer. False: its message is on the way, or it was answered. */
  cancel(receiver: Receiver): boolean {
    const waiter = this.#waiters.find((candidate) => candidate.receiver === receiver);
    if (waiter !== undefined) this.#remove(waiter);
    return waiter !== undefined;
  }

  /** From now on the taker gets what no RECV waits for, beginning with what is queued. One at a time. */
  giveTo(taker: Taker): void {
    this.#taker = taker;
    this.serveTaker();
  }

  /** The taker has room again. */
  serveTaker(): void {
    const taker = this.#taker;
    if (taker === null || this.#delivering || this.#waiters.length > 0) return;
    for (let head = this.#messages[0]; head !== undefined; head = this.#messages[0]) {
      if (!taker.take(head.channel, head.data)) return;
      this.#take(head);
    }
    if (this.#end !== null) this.#endTaker(this.#end);
  }

  /** The taker takes no more; whatever comes is kept for RECVs. */
  leave(taker: Taker): void {
    if (this.#taker === taker) this.#taker = null;
  }

  /** The session ended: `errno` is what RECV gives once the queue is empty. `closed`: by the peer's CLOSE. */
  end(errno: number, closed: boolean): void {
    this.#end = errno;
    this.#silent = closed && this.#options.strictModule;
    if (this.#silent) this.#drop();
    else this.#serve();
  }

  /** The slot was given back: whoever waits gets `errno`, but in the module's way is left waiting (hazard 4). */
  clear(errno: number): void {
    this.#drop();
    this.#end = null;
    this.#silent = false;
    if (!this.#options.strictModule) this.#failAll(errno);
  }

  /** Answers everybody, whatever the mode: the device closes. */
  abort(errno: number): void {
    this.#drop();
    this.#failAll(errno);
  }

  #endTaker(errno: number): void {
    const taker = this.#taker;
    this.#taker = null;
    taker?.end(errno);
  }

  #failAll(errno: number): void {
    this.#endTaker(errno);
    for (const { receiver, timer } of this.#waiters.splice(0)) {
      clearTimeout(timer);
      receiver.fail(errno);
    }
  }

  #drop(): void {
    this.#messages = [];
    this.#bytes = 0;
    this.#full = false;
    this.#delivering = false;
    this.#epoch++;
  }

  /** First come, first served, as long as there is something to give. */
  #serve(): void {
    // A delivery may be over before `deliver` returns, and have served those behind it.
    for (let waiter = this.#waiters[0]; waiter !== undefined && !this.#delivering; waiter = this.#waiters[0]) {
      const { receiver } = waiter;
      if (this.#messages.length === 0) {
        if (this.#end === null || this.#silent) return;
        this.#remove(waiter);
        receiver.fail(this.#end);
        continue;
      }
      const message = this.#find(receiver.channel);
      this.#remove(waiter);
      if (message === undefined) receiver.fail(Errno.EAGAIN);
      else if (message.data.length > receiver.capacity) receiver.fail(Errno.EMSGSIZE);
      else this.#deliver(receiver, message);
    }
    this.serveTaker();
  }

  /** Channel 0 takes the head, whatever its channel; any other only its own. */
  #find(channel: number): QueuedMessage | undefined {
    return channel === 0 ? this.#messages[0] : this.#messages.find((message) => message.channel === channel);
  }

  #deliver(receiver: Receiver, message: QueuedMessage): void {
    const epoch = this.#epoch;
    this.#delivering = true;
    receiver.deliver(message.data, (taken) => {
      if (epoch !== this.#epoch) return;
      this.#delivering = false;
      if (taken) this.#take(message);
      this.#serve();
    });
  }

  #take(message: QueuedMessage): void {
    this.#messages.splice(this.#messages.indexOf(message), 1);
    this.#bytes -= message.data.length + MESSAGE_OVERHEAD;
    this.#options.depthChanged(this.#messages.length);
    this.#options.consumed?.(message.data);
    // Room for half before the peer is read again, or every message would stop and start it.
    if (!this.#full || this.#bytes > this.#limit / 2) return;
    this.#full = false;
    this.#options.roomAgain();
  }

  /** A busy process runs its timers late and before it looks at its sockets: what has come by now is read first. */
  #expire(waiter: PendingReceive): void {
    setImmediate(() => {
      if (!this.#waiters.includes(waiter)) return;
      this.#remove(waiter);
      waiter.receiver.fail(this.#end ?? Errno.ETIMEDOUT);
    });
  }

  #remove(waiter: PendingReceive): void {
    clearTimeout(waiter.timer);
    const at = this.#waiters.indexOf(waiter);
    if (at >= 0) this.#waiters.splice(at, 1);
  }
}
