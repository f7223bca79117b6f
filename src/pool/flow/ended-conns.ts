/**
 * Conns whose session has ended, and not by this side: what came before may still be unread, and a stream on it waits for its
 * reader. Whoever ends all connections of a listener means these too; whoever has dropped one is not made to keep it.
 */
import type { Conn } from './conn.js';

/** From so many on, and at twice what was left, those are dropped that nobody has any more. */
const FIRST_SWEEP = 64;

export class EndedConns {
  readonly #conns = new Set<WeakRef<Conn>>();
  #sweepAt = FIRST_SWEEP;

  add(conn: Conn): void {
    this.#conns.add(new WeakRef(conn));
    if (this.#conns.size < this.#sweepAt) return;
    for (const ref of this.#conns) if (ref.deref() === undefined) this.#conns.delete(ref);
    this.#sweepAt = Math.max(FIRST_SWEEP, 2 * this.#conns.size);
  }

  /** Those that somebody still has. */
  all(): Conn[] {
    return Array.from(this.#conns, (ref) => ref.deref()).filter((conn) => conn !== undefined);
  }
}
