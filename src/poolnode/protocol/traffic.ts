/**
 * What a session has sent and received, handshake and headers included; as the module counts: tags count when they are sent
 * and not when they are received. Numbers inside: exact up to 2^53 bytes.
 */
import { Flag, HEADER_BYTES, TAG_BYTES } from './constants.js';
import type { Header } from './header.js';
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

  received({ flags, payloadLength }: Pick<Header, 'flags' | 'payloadLength'>): void {
    const tag = (flags & Flag.Encrypted) === 0 ? 0 : Math.min(TAG_BYTES, payloadLength);
    this.#bytesReceived += HEADER_BYTES + payloadLength - tag;
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
