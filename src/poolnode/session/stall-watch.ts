import { NS_PER_MS } from '../clock.js';
import { STALLED_AFTER_MS } from '../constants.js';

const STALLED_AFTER_NS = BigInt(STALLED_AFTER_MS) * NS_PER_MS;

/**
 * Tells when a pause of reading has become long enough to endanger the session: a module peer gives its send up after 10 s
 * and breaks the session (wire protocol, What the protocol doesn't give). Each pause is told of once.
 */
export class StallWatch {
  readonly #input: { readonly pausedSince: bigint | null };
  #reported: bigint | null = null;

  /** `pausedSince`: monotonic ns, null while reading. */
  constructor(input: { readonly pausedSince: bigint | null }) {
    this.#input = input;
  }

  /** When to call `check`, monotonic ns. */
  get deadline(): bigint | null {
    const { pausedSince } = this.#input;
    return pausedSince === null || pausedSince === this.#reported ? null : pausedSince + STALLED_AFTER_NS;
  }

  /** ms of the pause, if it has to be told now. */
  check(now: bigint): number | null {
    const { deadline } = this;
    if (deadline === null || now < deadline) return null;
    this.#reported = this.#input.pausedSince;
    return Number((now - deadline) / NS_PER_MS) + STALLED_AFTER_MS;
  }
}
