/**
 * How the messages of one session travel: through rings where the device has them, else by threads that make SEND and RECV. Which
 * of the two is known a moment after the session was started, and holds until its end.
 */
import type { PoolError } from '../../../base/errors.js';
import { queueMicrotask, setImmediate } from '../../../base/timers.js';
import { TurnShare } from '../../../base/turn-share.js';
import type { Sending, SendOptions, SentMessages, SessionRings } from '../../../poolioc/types.js';
import type { KernelClock } from '../calls/kernel-clock.js';
import type { KernelDevice } from '../calls/device.js';
import type { ReceiveScheduler } from './receive-scheduler.js';
import type { MessageSending } from './send-queue.js';
import type { Recipient, Slot } from './slot.js';

/** ms between two looks whether a session that has ended has nothing more to receive. */
const LAST_LOOK_MS = 50;

/** Times that a session tells of messages which are in the rings: a millisecond of work. */
const TOLD_A_TURN = 128;

export interface MessagePathDeps {
  device: Pick<KernelDevice, 'sendMessages' | 'sessionRings'>;
  receives: Pick<ReceiveScheduler, 'ready' | 'nudge'>;
  clock: KernelClock;
  slot: Slot;
  session: Recipient;
}

export class MessagePath {
  readonly #deps: MessagePathDeps;
  /** Undefined before it is known. */
  #rings: SessionRings | null | undefined;
  #sending: RingSending | null = null;
  /** What the device said when it took no more messages. */
  #refused: PoolError | null = null;
  #waiting: (() => void) | null = null;
  #closed = false;
  #lookingLast = false;

  constructor(deps: MessagePathDeps) {
    this.#deps = deps;
  }

  /** The session takes messages from now on. */
  async start(): Promise<void> {
    const { slot, session } = this.#deps;
    const given = slot.give(session);
    // Only of a device that is closed, which the SEND or RECV that follows rejects with.
    const rings = await this.#open().catch(() => null);
    await given;
    if (this.#closed) {
      rings?.close();
      return;
    }
    this.#rings = rings;
    this.#waiting?.();
    this.#waiting = null;
    this.ready();
    if (session.patience !== undefined) this.nudge();
  }

  /** The session takes messages now. */
  ready(): void {
    if (this.#rings === null) this.#deps.receives.ready(this.#deps.slot);
    else if (this.#deps.session.wants) this.#rings?.resume();
  }

  /** Something happened that a RECV which waits can't know. */
  nudge(): void {
    if (this.#rings === null) this.#deps.receives.nudge(this.#deps.slot);
    else if (this.#rings !== undefined) this.#lookLast();
  }

  /** SENDs, one after the other. */
  send(options: SendOptions): MessageSending {
    const { device, slot } = this.#deps;
    if (this.#rings === null) return device.sendMessages(slot.index, options);
    const sending = new RingSending(options, () => device.sendMessages(slot.index, options));
    this.#sending = sending;
    if (this.#refused !== null) sending.refused(this.#refused);
    if (this.#rings === undefined) this.#waiting = () => sending.begin(this.#rings ?? null);
    else sending.begin(this.#rings);
    return sending;
  }

  /** The session has given its slot back. */
  close(): void {
    this.#closed = true;
    this.#rings?.close();
  }

  #open(): Promise<SessionRings | null> {
    const { device, slot, session } = this.#deps;
    return device.sessionRings(slot.index, Buffer.from(session.id, 'hex'), {
      message: (channel, data) => {
        session.message(session.channels.nameOf(channel), data);
        return session.wants;
      },
      room: () => this.#sending?.progress(),
      refused: (error) => {
        this.#refused = error;
        this.#sending?.refused(error);
      },
      // One that was closed meanwhile is told so, too.
      ended: (error) => {
        if (session.wants) session.failed(error);
      },
    });
  }

  /** The session is over but for what is queued: until there is nothing more of that, for as long as it takes messages. */
  #lookLast(): void {
    const { clock, session } = this.#deps;
    if (this.#lookingLast || session.patience === undefined) return;
    this.#lookingLast = true;
    clock.after(LAST_LOOK_MS, () => {
      this.#lookingLast = false;
      if (this.#closed) return;
      if (session.wants && this.#rings?.idle !== false) session.quiet();
      else this.#lookLast();
    });
  }
}

/** SENDs through rings, once it is known whether there are some; else those of a thread. */
class RingSending implements MessageSending {
  readonly done: Promise<SentMessages>;
  readonly #options: SendOptions;
  readonly #fallback: () => Sending;
  #settle!: (outcome: SentMessages | Promise<SentMessages>) => void;
  #rings: SessionRings | null = null;
  #thread: Sending | null = null;
  #pushed = 0;
  readonly #turns = new TurnShare(TOLD_A_TURN);
  #telling = false;
  #over = false;

  constructor(options: SendOptions, fallback: () => Sending) {
    this.#options = options;
    this.#fallback = fallback;
    this.done = new Promise((resolve) => (this.#settle = resolve));
  }

  begin(rings: SessionRings | null): void {
    if (this.#over) return;
    this.#rings = rings;
    if (rings === null) this.#settle((this.#thread = this.#fallback()).done);
    // What `push` was given before it was known.
    else this.progress();
  }

  push(channel: number, data: Uint8Array): boolean {
    if (this.#thread !== null) return this.#thread.push(channel, data);
    if (this.#over || this.#rings?.push(channel, data) !== true) return false;
    this.#pushed += 1;
    this.#tellSoon();
    return true;
  }

  get unsent(): boolean {
    return !this.#over && this.#rings?.unsent === true;
  }

  flush(): void {
    this.#rings?.flush();
  }

  stop(): void {
    if (this.#thread !== null) this.#thread.stop();
    else this.#end(undefined);
  }

  /** The device has got further, or takes messages from now on. */
  progress(): void {
    this.#tellSoon();
  }

  /** The device takes no more. */
  refused(error: PoolError): void {
    this.#end(error);
  }

  /** What the rings have is the device's: it goes out whatever becomes of this process. */
  #tellSoon(): void {
    if (this.#telling) return;
    this.#telling = true;
    // Not before `push` has returned.
    if (this.#turns.spent()) setImmediate(this.#tell);
    else queueMicrotask(this.#tell);
  }

  readonly #tell = (): void => {
    this.#telling = false;
    if (!this.#over) this.#options.sent(this.#pushed);
  };

  #end(error: PoolError | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#settle({ sent: this.#pushed, error });
  }
}
