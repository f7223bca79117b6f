/**
 * Whether a peer still lives. One that vanished without FIN or RST leaves no sign for about 15 minutes but this: the
 * session's packets_recv stands still, to which a live peer's heartbeats add every 5 s (kernel contract, hazard 5).
 */

/** ms without a packet after which a peer counts as lost: five heartbeats missed, and one more. */
export const DEFAULT_PEER_TIMEOUT = 30_000;

/** A longer pause between two looks says that this process slept, and nothing of the peer. */
const LONGEST_LOOK_MS = 2000;

export class ModuleLiveness {
  readonly #timeout: number;
  #packets: bigint | undefined;
  #looked = 0;
  #silence = 0;

  /** `timeout` in ms; 0 never gives up. */
  constructor(timeout: number) {
    this.#timeout = timeout;
  }

  /** A look at the table: true when the peer is lost. `idle` says that silence is no sign now. */
  look(packetsRecv: bigint, now: number, idle = false): boolean {
    const since = Math.min(now - this.#looked, LONGEST_LOOK_MS);
    const grown = packetsRecv !== this.#packets;
    this.#silence = grown || idle ? 0 : this.#silence + since;
    this.#packets = packetsRecv;
    this.#looked = now;
    return this.#timeout > 0 && this.#silence >= this.#timeout;
  }

  /** ms of silence so far. */
  get silence(): number {
    return this.#silence;
  }
}
