/** Packets and bytes of all sessions, those that have ended included, so that the totals never fall. */
import type { SessionFigures } from './sample.js';

/** What is summed. */
export interface Totals {
  packetsSent: number;
  packetsRecv: number;
  bytesSent: number;
  bytesRecv: number;
}

type Counted = Pick<SessionFigures, keyof Totals>;

/** How much the totals grew. */
export type Grew = (growth: Totals) => void;

export class SessionTotals {
  readonly #counted = new WeakMap<object, Totals>();
  readonly #grew: Grew;

  constructor(grew: Grew) {
    this.#grew = grew;
  }

  /** Counts what a session has moved since it was counted before; `session` is what it is known by. */
  count(session: object, info: Counted): void {
    const now: Totals = {
      packetsSent: Number(info.packetsSent),
      packetsRecv: Number(info.packetsRecv),
      bytesSent: Number(info.bytesSent),
      bytesRecv: Number(info.bytesRecv),
    };
    const before = this.#counted.get(session) ?? { packetsSent: 0, packetsRecv: 0, bytesSent: 0, bytesRecv: 0 };
    this.#counted.set(session, now);
    // Answers to two questions may come in the other order; a counter doesn't fall.
    this.#grew({
      packetsSent: Math.max(0, now.packetsSent - before.packetsSent),
      packetsRecv: Math.max(0, now.packetsRecv - before.packetsRecv),
      bytesSent: Math.max(0, now.bytesSent - before.bytesSent),
      bytesRecv: Math.max(0, now.bytesRecv - before.bytesRecv),
    });
  }
}
