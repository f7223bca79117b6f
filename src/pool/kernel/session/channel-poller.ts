/**
 * Which channel to ask for next. The module doesn't say which channel a message of RECV 0 is on, but it tells by EAGAIN
 * that the queue holds nothing for a channel; so each open channel is asked in turn, and when all of them gave EAGAIN, one
 * after the other, the head of the queue belongs to none of them and RECV 0 takes exactly that (kernel contract, end of
 * section 4). It needs no guess as long as nobody else receives on the session.
 */

/** Messages in a row from one channel before the others have their turn, so that a busy one doesn't starve them. */
const ROW = 16;

export class ChannelPoller {
  readonly #open: number[] = [];
  #at = 0;
  /** Channels asked in a row that gave EAGAIN. */
  #misses = 0;
  #row = 0;

  /** A channel once opened stays asked for: what arrives after its close must not pass for channel 0. */
  open(channel: number): void {
    if (channel === 0 || this.#open.includes(channel)) return;
    // It comes next, before a RECV 0 that would take its message.
    this.#open.splice(this.#at, 0, channel);
  }

  /** What a message is delivered on whose channel is known: on its own where it is opened, else as if by RECV 0. */
  nameOf(channel: number): number {
    return this.#open.includes(channel) ? channel : 0;
  }

  /** The channel to ask. */
  next(): number {
    if (this.#misses >= this.#open.length) return 0;
    return this.#open[this.#at]!;
  }

  /** Messages that may come from the channel to ask before another one has to be asked; undefined where there is no other. */
  get left(): number | undefined {
    if (this.#open.length === 0) return undefined;
    // A RECV 0 takes the head, and what is behind it may be for a channel again.
    return this.next() === 0 ? 1 : ROW - this.#row;
  }

  /** The last RECV gave a message: what it left in the queue is unknown again. */
  received(): void {
    this.#misses = 0;
    this.#row += 1;
    if (this.#row >= ROW) this.#advance();
  }

  /** The last RECV, which asked for channel `asked`, gave EAGAIN. */
  elsewhere(asked: number): void {
    // A channel that was opened while the RECV waited is next, and hasn't been asked: the round begins anew.
    const opened = asked !== this.next();
    this.#misses = asked === 0 || opened ? 0 : this.#misses + 1;
    if (!opened) this.#advance();
  }

  /** The last RECV found the queue empty, or was taken back. */
  empty(): void {
    this.#misses = 0;
  }

  #advance(): void {
    this.#row = 0;
    this.#at = this.#open.length === 0 ? 0 : (this.#at + 1) % this.#open.length;
  }
}
