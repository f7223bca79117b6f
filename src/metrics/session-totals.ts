/** Packets and bytes of all sessions, those that have ended included, so that the totals never fall. */

/** What is summed. */
export const TOTALS = ['packetsSent', 'packetsRecv', 'bytesSent', 'bytesRecv'] as const;
export type Totals = Record<(typeof TOTALS)[number], number>;

/** How much the totals grew. */
export type Grew = (growth: Totals) => void;

export class SessionTotals {
  readonly #counted = new WeakMap<object, Totals>();
  readonly #grew: Grew;

  constructor(grew: Grew) {
    this.#grew = grew;
  }

  /** Counts what a session has moved since it was counted before; `session` is what it is known by. */
  count(session: object, info: Record<keyof Totals, bigint>): void {
    const before = this.#counted.get(session);
    const now = ofEach((name) => Number(info[name]));
    this.#counted.set(session, now);
    // Answers to two questions may come in the other order; a counter doesn't fall.
    this.#grew(ofEach((name) => Math.max(0, now[name] - (before?.[name] ?? 0))));
  }
}

function ofEach(value: (name: keyof Totals) => number): Totals {
  return Object.fromEntries(TOTALS.map((name) => [name, value(name)])) as Totals;
}
