/**
 * The key sets of a session (wire protocol, REKEY). Between REKEYs there is one set; while one is
 * under way a packet may come under any K(x, Y), x of our previous and new key, Y of the peer's: four at most, told apart
 * by their HMAC. A further REKEY waits until the last one is settled, so it never becomes more.
 */
import { violation } from './faults.js';
import type { KeyPair, PacketCrypto } from './types.js';

/** Stands where keys were dropped; a use of it is a fault of ours. */
const FORGOTTEN = new Proxy({} as PacketCrypto & KeyPair, {
  get: () => {
    throw new Error('the keys of this session were dropped when it ended');
  },
});

export type DeriveKeys = (own: KeyPair, peerPublicKey: Uint8Array) => PacketCrypto;

export class KeyRing {
  readonly #derive: DeriveKeys;
  #own: KeyPair;
  #peer: Uint8Array;
  #newOwn: KeyPair | null = null;
  #newPeer: Uint8Array | null = null;
  /** K(previous, previous): the only one where no REKEY is under way. */
  #old: PacketCrypto;
  /** K(our new, peer's previous): what an initiator sends under, and what a module answers with. */
  #halfOwn: PacketCrypto | null = null;
  /** K(our previous, peer's new). */
  #halfPeer: PacketCrypto | null = null;
  /** K(new, new). */
  #new: PacketCrypto | null = null;
  #all: readonly PacketCrypto[];

  constructor(derive: DeriveKeys, own: KeyPair, peerPublicKey: Uint8Array, keys: PacketCrypto) {
    this.#derive = derive;
    this.#own = own;
    this.#peer = peerPublicKey;
    this.#old = keys;
    this.#all = [keys];
  }

  /** What packets of ours leave under. */
  get sending(): PacketCrypto {
    return this.#new ?? this.#halfOwn ?? this.#old;
  }

  /** The only set there is, where no REKEY is under way; else null. */
  get only(): PacketCrypto | null {
    return this.settled ? this.#old : null;
  }

  /** What a packet of the peer may have come under, the likeliest first. */
  get opening(): readonly PacketCrypto[] {
    return this.#all;
  }

  /** No REKEY is under way. */
  get settled(): boolean {
    return this.#newOwn === null && this.#newPeer === null;
  }

  /** Our REKEY has no answer yet. */
  get unanswered(): boolean {
    return this.#newOwn !== null && this.#newPeer === null;
  }

  /** Whether `keys` are of the REKEY under way, and not those from before it. */
  isNew(keys: PacketCrypto): boolean {
    return keys !== this.#old;
  }

  /** Whether the peer answered our REKEY as a module does: by deriving keys and sending under them, without a REKEY. */
  isModuleAnswer(keys: PacketCrypto): boolean {
    return keys === this.#halfOwn && this.unanswered;
  }

  /** Our REKEY, carrying `pair`, has been written under the keys of before. */
  initiated(pair: KeyPair): void {
    this.#newOwn = pair;
    this.#halfOwn = this.#derive(pair, this.#peer);
    this.#list();
  }

  /** The peer's REKEY came while ours is unanswered: its answer, or its own that crossed ours. Both mean K(new, new). */
  answered(peerPublicKey: Uint8Array): void {
    this.#newPeer = peerPublicKey;
    this.#halfPeer = this.#derive(this.#own, peerPublicKey);
    this.#new = this.#derive(this.#newOwn!, peerPublicKey);
    this.#list();
  }

  /** The peer's REKEY came, and our answer, carrying `pair`, has been written under the keys of before. */
  accepted(peerPublicKey: Uint8Array, pair: KeyPair): void {
    this.refuseUnsettled();
    this.initiated(pair);
    this.answered(peerPublicKey);
  }

  /** The peer's REKEY came and is not answered, because this side is closing: only opening goes on. */
  followed(peerPublicKey: Uint8Array): void {
    if (this.unanswered) {
      this.answered(peerPublicKey);
      return;
    }
    this.refuseUnsettled();
    this.#newPeer = peerPublicKey;
    this.#halfPeer = this.#derive(this.#own, peerPublicKey);
    this.#list();
  }

  /** A packet opened under `keys`. Returns true when that settles the REKEY: older sets are gone then. */
  opened(keys: PacketCrypto): boolean {
    if (keys !== this.#new) return false;
    this.settle();
    return true;
  }

  /** Makes the newest keys the only ones. */
  settle(): void {
    if (this.#newOwn !== null) this.#own.dispose();
    const kept = this.#new ?? this.#halfOwn ?? this.#halfPeer ?? this.#old;
    for (const keys of this.#all) if (keys !== kept) keys.dispose();
    this.#old = kept;
    this.#own = this.#newOwn ?? this.#own;
    this.#peer = this.#newPeer ?? this.#peer;
    this.#newOwn = this.#newPeer = null;
    this.#halfOwn = this.#halfPeer = this.#new = null;
    this.#list();
  }

  /** Drops all keys: the session is over. */
  forget(): void {
    if (this.#old === FORGOTTEN) return;
    this.settle();
    this.#old.dispose();
    this.#own.dispose();
    this.#old = FORGOTTEN;
    this.#own = FORGOTTEN;
    this.#all = [];
  }

  /** Throws where a REKEY is under way: one at a time. */
  refuseUnsettled(): void {
    if (!this.settled) throw violation('REKEY came again before the last one was settled');
  }

  #list(): void {
    const sets = [this.#new, this.#old, this.#halfOwn, this.#halfPeer];
    this.#all = sets.filter((keys) => keys !== null);
  }
}
