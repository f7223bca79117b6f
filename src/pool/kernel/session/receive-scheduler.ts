/**
 * Who receives when. A RECV blocks a worker, and a worker costs megabytes; so at most 16 sessions have a RECV inside the
 * kernel, and the others wait until the table's counters say that they may have news. One that only waits gives its place
 * to one that has news.
 */
import type { ReceiveOptions, Transfer } from '../../../poolioc/types.js';
import type { KernelClock, ClockTimer } from '../calls/kernel-clock.js';
import type { Recipient, Slot } from './slot.js';
import type { Snapshot, TableObserver } from '../table/device-table.js';
import type { WatchInterest } from '../table/table-watcher.js';

/** What ended a thread's receiving. */
export type Received =
  /** As many messages as were asked for. */
  | { kind: 'enough' }
  /** Nothing was queued for as long as the last RECV waited, or it was taken back. `looked` false: there was no RECV. */
  | { kind: 'nothing'; looked?: boolean }
  /** EAGAIN: the queue holds other channels only. */
  | { kind: 'elsewhere' }
  | { kind: 'failed'; error: unknown };

export interface ReceiveSchedulerOptions {
  /** RECV after RECV. `done` never rejects. */
  receive(index: number, channel: number, options: ReceiveOptions): Transfer<Received>;
  /** The session that has a slot now. */
  occupant(index: number): Promise<string | undefined>;
  latest(): Snapshot;
  /** A session waits for the table's counters: looking became necessary. */
  parked(): void;
  clock: KernelClock;
  threads?: number;
}

/** Threads that receive: at most 16 serve all 64 sessions of a machine, since most sessions are silent at a time. */
const RECEIVE_THREADS = 16;
/** ms that a RECV waits at least before another session may have its place. */
const HOLD_MS = 5;
/** ms of receiving in a row before others who have news come first. */
const TURN_MS = 10;
/** ms to wait where another process receives on the same session: EAGAIN comes at once, and asking on would spin. */
const RIVAL_MS = 10;
/** Looks at the table while sessions without a place wait: often after a message, seldom when idle. */
const BUSY_LOOK_MS = 5;
const IDLE_LOOK_MS = 25;
const BUSY_MS = 1000;
/** ms between two looks that are made for sessions which are due to be asked again. */
const SHORTEST_LOOK_MS = 5;
/**
 * ms after which a session is asked again whose RECV was taken back, and may never have looked: of a session that is full
 * no more packets are read, so that its counter stands still although messages wait. Twice as long after each in vain.
 */
const DOUBT_MS = 25;
const LONGEST_DOUBT_MS = 5000;

export class ReceiveScheduler implements TableObserver {
  readonly #options: ReceiveSchedulerOptions;
  readonly #threads: number;
  readonly #busy = new Set<Slot>();
  readonly #due = new Set<Slot>();
  readonly #parked = new Set<Slot>();
  #lastMessage = -Infinity;
  #preempt: ClockTimer | undefined;
  #ended = false;

  constructor(options: ReceiveSchedulerOptions) {
    this.#options = options;
    this.#threads = options.threads ?? RECEIVE_THREADS;
  }

  /** The slot's session takes messages: receives for it now, or as soon as there is a place. */
  ready(slot: Slot): void {
    if (this.#ended || this.#busy.has(slot)) return;
    this.#parked.delete(slot);
    this.#due.add(slot);
    this.#pump();
  }

  /** Something changed that the waiting RECV can't know: asks anew. */
  nudge(slot: Slot): void {
    slot.call?.stop();
    if (this.#parked.has(slot)) this.ready(slot);
  }

  /** The slot's session takes no more. Settles when no RECV of it is inside the kernel. */
  async leave(slot: Slot): Promise<void> {
    this.#parked.delete(slot);
    this.#due.delete(slot);
    await slot.cancel();
  }

  interval(): number {
    const due = Math.min(...[...this.#parked].map(({ askAgain }) => askAgain));
    return Math.max(SHORTEST_LOOK_MS, due - this.#options.clock.now());
  }

  watch(): WatchInterest | null {
    if (this.#parked.size === 0) return null;
    const busy = this.#options.clock.now() - this.#lastMessage < BUSY_MS;
    return { interval: busy ? BUSY_LOOK_MS : IDLE_LOOK_MS, counters: true };
  }

  table(snapshot: Snapshot): void {
    const now = this.#options.clock.now();
    for (const slot of [...this.#parked]) {
      const record = snapshot.at(slot.index, slot.recipient?.id);
      if (record === undefined || record.packetsRecv !== slot.seen || now >= slot.askAgain) this.ready(slot);
    }
  }

  lost(): void {
    this.#ended = true;
    this.#parked.clear();
    this.#due.clear();
    this.#preempt?.cancel();
  }

  #pump(): void {
    for (const slot of this.#due) {
      if (this.#busy.size >= this.#threads) break;
      this.#due.delete(slot);
      this.#busy.add(slot);
      void this.#serve(slot);
    }
    if (this.#due.size > 0) this.#makeRoom();
  }

  /** Takes back the RECV that has waited longest. */
  #makeRoom(): void {
    if (this.#preempt !== undefined) return;
    const now = this.#options.clock.now();
    let longest: Slot | null = null;
    for (const slot of this.#busy) {
      if (slot.call === null || slot.call.stopped) continue;
      if (slot.call.since < (longest?.call?.since ?? Infinity)) longest = slot;
    }
    const waited = longest === null ? 0 : now - longest.call!.since;
    if (longest !== null && waited >= HOLD_MS) longest.call!.stop();
    this.#preempt = this.#options.clock.after(Math.max(1, HOLD_MS - waited), () => {
      this.#preempt = undefined;
      if (this.#due.size > 0) this.#pump();
    });
  }

  async #serve(slot: Slot): Promise<void> {
    const started = this.#options.clock.now();
    let again = false;
    while (slot.recipient?.wants === true && !this.#ended) {
      const { kind, messages } = await this.#ask(slot, started);
      if (this.#due.size === 0) continue;
      again = messages > 0;
      if (kind === 'nothing' || (again && this.#options.clock.now() - started >= TURN_MS)) break;
    }
    this.#busy.delete(slot);
    if (slot.recipient?.wants === true && !this.#ended) (again ? this.#due : this.#parked).add(slot);
    this.#pump();
    if (this.#parked.has(slot)) this.#options.parked();
  }

  /** Receives on one channel, and does what follows from how it ends. `started` is when the slot got its place. */
  async #ask(slot: Slot, started: number): Promise<{ kind: Received['kind']; messages: number }> {
    const asker = slot.recipient!;
    const channel = asker.channels.next();
    const { received, messages, taken } = await this.#call(slot, channel, asker, started);
    // Kernel contract, hazard 4: the slot may have another owner by now, and what it is told is the owner's.
    const owner = slot.recipient;
    let looked = true;
    switch (received.kind) {
      case 'enough':
        break;
      case 'nothing':
        asker.channels.empty();
        // One that was taken back may never have looked.
        looked = !taken && received.looked !== false;
        this.#doubt(slot, !looked);
        if (owner === asker && looked) owner.quiet();
        break;
      case 'elsewhere':
        asker.channels.elsewhere(channel);
        if (channel === 0) await new Promise<void>((resolve) => this.#options.clock.after(RIVAL_MS, resolve));
        break;
      case 'failed':
        if (owner === asker) owner.failed(received.error);
        break;
    }
    return { kind: received.kind, messages };
  }

  #doubt(slot: Slot, doubted: boolean): void {
    slot.doubt = doubted ? Math.min(Math.max(2 * slot.doubt, DOUBT_MS), LONGEST_DOUBT_MS) : 0;
    slot.askAgain = doubted ? this.#options.clock.now() + slot.doubt : Infinity;
  }

  /** To the owner that the slot has now, or the next one. */
  #deliver(slot: Slot, channel: number, data: Uint8Array): void {
    this.#lastMessage = this.#options.clock.now();
    if (slot.recipient !== null) slot.recipient.message(channel, data);
    else slot.keep({ id: this.#options.occupant(slot.index), channel, data });
  }

  async #call(
    slot: Slot,
    channel: number,
    asker: Recipient,
    started: number,
  ): Promise<{ received: Received; messages: number; taken: boolean }> {
    const options = this.#options;
    const { clock } = options;
    const look = (): void => {
      slot.seen = options.latest().at(slot.index, asker.id)?.packetsRecv;
    };
    look();
    let messages = 0;
    const transfer = options.receive(slot.index, channel, {
      // A session that has ended asks anew after each message, and so for as long as its patience lasts.
      count: asker.patience === undefined ? asker.channels.left : 1,
      timeout: asker.patience,
      message: (data) => {
        messages += 1;
        slot.doubt = 0;
        asker.channels.received();
        this.#deliver(slot, channel, data);
        look();
        call.since = clock.now();
        const others = this.#due.size > 0 && call.since - started >= TURN_MS;
        if (slot.recipient !== asker || !asker.wants || this.#ended || others) call.stop();
      },
    });
    const call = {
      channel,
      since: clock.now(),
      stopped: false,
      stop(): void {
        call.stopped = true;
        transfer.stop();
      },
      done: transfer.done,
    };
    slot.call = call;
    const received = await transfer.done;
    slot.call = null;
    return { received, messages, taken: call.stopped };
  }
}
