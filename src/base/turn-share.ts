/**
 * How much of what settles at once is told within one turn of the event loop. A program's loop that awaits such promises never
 * leaves the turn: no timer fires and nothing is read for as long as a peer keeps up with its writes. Node's own sockets have
 * that flaw. So every so often what would be told now waits for the next turn.
 */
export class TurnShare {
  readonly #most: number;
  #told = 0;

  /** @param most how often in a row; turns in between are not counted, since asking for them would cost each time */
  constructor(most: number) {
    this.#most = most;
  }

  /** Something is about to be told. True: it has to wait for the event loop's next turn. */
  spent(): boolean {
    this.#told += 1;
    if (this.#told < this.#most) return false;
    this.#told = 0;
    return true;
  }
}
