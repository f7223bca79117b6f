/** What a session has sent and received, handshake and headers included. Numbers inside: exact up to 2^53 bytes. */
import type { Session } from './types.js';

export class Traffic {
  #bytesSent = 0;
  #bytesReceived = 0;
  #packetsSent = 0;
  #packetsReceived = 0;
  /** In both directions. */
  packetsSinceRekey = 0;
  /** DATA without a byte: counted and not delivered. */
  emptyMessages = 0;
  /** Packets of types that this node does nothing with. */
  ignoredPackets = 0;

  sent(bytes: number): void {
    this.#bytesSent += bytes;
    this.#packetsSent++;
    this.packetsSinceRekey++;
  }

  received(bytes: number): void {
    this.#bytesReceived += bytes;
    this.#packetsReceived++;
    this.packetsSinceRekey++;
  }

  snapshot(): Session['counters'] {
    return {
      bytesSent: BigInt(this.#bytesSent),
      bytesReceived: BigInt(this.#bytesReceived),
      packetsSent: BigInt(this.#packetsSent),
      packetsReceived: BigInt(this.#packetsReceived),
      packetsSinceRekey: this.packetsSinceRekey,
      emptyMessages: this.emptyMessages,
    };
  }
}
