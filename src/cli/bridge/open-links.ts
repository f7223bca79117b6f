/** The links of a bridge: so many at a time, counted, and ended together. */
import { setMaxListeners } from 'node:events';
import type { Passed } from './link.js';

/** Counts of a bridge. */
export interface BridgeStatus extends Passed {
  open: number;
  /** Links that ended in good order. */
  done: number;
  /** Links that broke, or whose other side could not be reached. */
  broken: number;
  /** Connections that came while there were as many links as may be. */
  refused: number;
}

/** Told of each link that broke. */
export type OnBroken = (peer: string, error: unknown) => void;

export class Links {
  readonly status: BridgeStatus = { open: 0, done: 0, broken: 0, refused: 0, toPool: 0, toTcp: 0 };
  readonly #max: number;
  readonly #onBroken: OnBroken;
  readonly #cut = new AbortController();
  readonly #open = new Set<Promise<void>>();

  constructor(max: number, onBroken: OnBroken) {
    this.#max = max;
    this.#onBroken = onBroken;
    setMaxListeners(0, this.#cut.signal); // one for each link
  }

  /** Fires when what is open is to be broken off. */
  get cut(): AbortSignal {
    return this.#cut.signal;
  }

  /** Whether there is room for another link; where there is none, that is counted. */
  admit(): boolean {
    if (this.status.open < this.#max) return true;
    this.status.refused += 1;
    return false;
  }

  /** Counts a link for as long as `link` takes. Never rejects. */
  async hold(peer: string, link: () => Promise<void>): Promise<void> {
    const held = this.#hold(peer, link);
    this.#open.add(held);
    await held;
    this.#open.delete(held);
  }

  /** Gives what is open `graceMs` to end by itself, and breaks the rest off. Settles when all are over. */
  async end(graceMs: number): Promise<void> {
    const timer = setTimeout(() => this.#cut.abort(), graceMs);
    await Promise.all(this.#open);
    clearTimeout(timer);
  }

  async #hold(peer: string, link: () => Promise<void>): Promise<void> {
    this.status.open += 1;
    try {
      await link();
      this.status.done += 1;
    } catch (error) {
      this.status.broken += 1;
      this.#onBroken(peer, error);
    } finally {
      this.status.open -= 1;
    }
  }
}
