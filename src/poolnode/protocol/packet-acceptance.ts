/**
 * Which packets of the peer are taken for its own, in the order that the protocol asks for: HMAC, flags, sequence; only then is
 * one looked into (wire protocol, Packet types).
 */
import { unauthentic } from './faults.js';
import type { Packet } from './framer.js';
import type { KeyRing } from './key-ring.js';
import { checkHeader, PacketOpener } from './packet-codec.js';
import type { PeerSequence } from './sequence.js';
import type { PacketCrypto } from './types.js';

export class PacketAcceptance {
  readonly #opener = new PacketOpener();
  readonly #keys: KeyRing;
  readonly #sequence: PeerSequence;

  constructor(keys: KeyRing, sequence: PeerSequence) {
    this.#keys = keys;
    this.#sequence = sequence;
  }

  /** @returns the keys that it came under. @throws PoolError where it is not the peer's next one */
  accept(packet: Packet): PacketCrypto {
    const keys = this.#keysOf(packet);
    checkHeader(packet);
    const { header } = packet;
    // The number as a bigint is made only where it is not the next one: it costs an object.
    if (!this.#sequence.acceptNext(header.seqHigh, header.seqLow)) {
      this.#sequence.accept(header.seq, this.#keys.settled || this.#keys.isNew(keys));
    }
    return keys;
  }

  /** The plaintext of a packet that was accepted, which is its taker's to keep. @throws PoolError where the tag is wrong */
  decrypt(keys: PacketCrypto, packet: Packet): Uint8Array {
    const plaintext = this.#opener.open(keys, packet);
    if (plaintext === null) throw unauthentic();
    return plaintext;
  }

  #keysOf(packet: Packet): PacketCrypto {
    const { only } = this.#keys;
    if (only !== null) {
      if (this.#opener.authentic(only, packet)) return only;
      throw unauthentic();
    }
    for (const keys of this.#keys.opening) if (this.#opener.authentic(keys, packet)) return keys;
    throw unauthentic();
  }
}
