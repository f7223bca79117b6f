/**
 * One slot of the session table as this process receives from it. A RECV that was left waiting outlives its session and
 * takes the message of the next one in its slot (kernel contract, hazard 4); so there is one receiver per slot
 * and not per session, and what it receives goes to whoever owns the slot by then.
 */
import type { ChannelPoller } from './channel-poller.js';

/** A session, as its slot's receiver sees it. */
export interface Recipient {
  readonly id: string;
  readonly channels: ChannelPoller;
  /** Whether it takes messages now. */
  readonly wants: boolean;
  /** ms that a RECV may wait for it; undefined is as long as the module waits. */
  readonly patience: number | undefined;
  message(channel: number, data: Uint8Array): void;
  /** A RECV found nothing. */
  quiet(): void;
  /** A RECV failed, and no other will do better. */
  failed(error: unknown): void;
}

/** A thread that receives. */
export interface ReceiveCall {
  channel: number;
  /** When its last RECV began, in ms. */
  since: number;
  /** Interrupts it; nothing is lost by that. */
  stop(): void;
  stopped: boolean;
  /** Settles when it is out; never rejects. */
  done: Promise<unknown>;
}

interface Stray {
  id: Promise<string | undefined>;
  channel: number;
  data: Uint8Array;
}

export class Slot {
  readonly index: number;
  recipient: Recipient | null = null;
  /** The RECVs of a thread that is inside the kernel for it. */
  call: ReceiveCall | null = null;
  /** packets_recv at the table's last look before the last RECV: a later look that shows more means news. */
  seen: bigint | undefined;
  /** ms after which the slot is asked again though the table shows no news; 0 where the last RECV surely looked. */
  doubt = 0;
  /** When that is due. */
  askAgain = Infinity;
  #strays: Stray[] = [];

  constructor(index: number) {
    this.index = index;
  }

  /** A message arrived while the slot had no owner; `id` is the session that has the slot now. */
  keep(stray: Stray): void {
    this.#strays.push(stray);
  }

  /** Gives the slot to a session, after the messages that an old RECV took from it. */
  async give(recipient: Recipient): Promise<void> {
    const strays = this.#strays.splice(0);
    this.recipient = recipient;
    for (const { id, channel, data } of strays) {
      if ((await id) === recipient.id) recipient.message(channel, data);
    }
  }

  /** Interrupts the RECV that waits. Settles when it is over; nothing is lost by it. */
  async cancel(): Promise<void> {
    this.call?.stop();
    await this.call?.done;
  }
}
