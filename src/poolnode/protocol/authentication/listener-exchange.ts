/** The listener's side: it proves itself to whoever dials, and asks for a proof if its credentials say so. */
import { type Binding, forgetBinding, makeReady, messageKey, selfMark } from './keys.js';
import {
  MACED_BYTES,
  MessageNumber,
  ReceivedMessage,
  refused,
  setMac,
  setSignature,
  SIGNED_BYTES,
  writeMessage,
  wrongMac,
} from './exchange-message.js';
import { isUsableKey } from '../../../base/ed25519-key.js';
import { signatureOf, signedByDialler, signedByListener } from './signed.js';
import type { Exchange, ExchangeCrypto, ExchangeStep, ListenerCredentials, PreSharedKey, ProvenPeer } from './types.js';

export class ListenerExchange implements Exchange {
  readonly #crypto: ExchangeCrypto;
  readonly #credentials: ListenerCredentials;
  readonly #binding: Binding;
  /** What was sent first. */
  readonly #offer: Uint8Array;
  /** The dialler's proof, once it held. */
  #proof: Uint8Array | null = null;
  #preShared: PreSharedKey | null = null;
  #peer: ProvenPeer = null;
  #outgoing: Uint8Array | null;

  constructor(crypto: ExchangeCrypto, credentials: ListenerCredentials, binding: Binding) {
    this.#crypto = crypto;
    this.#credentials = credentials;
    this.#binding = binding;
    this.#outgoing = this.#offer = this.#makeOffer();
  }

  takeMessage(): Uint8Array | null {
    const message = this.#outgoing;
    this.#outgoing = null;
    return message;
  }

  receive(bytes: Uint8Array): ExchangeStep {
    if (this.#proof !== null) throw refused('a second proof');
    const proof = new ReceivedMessage(bytes, MessageNumber.Proof, this.#credentials.mode);
    this.#checkMac(proof);
    this.#proof = proof.bytes;
    if (this.#credentials.mode === 'psk') this.#peer = { method: 'psk' };
    if (this.#credentials.mode === 'psk' || !this.#credentials.demand) {
      if (!proof.isUnsigned) throw refused('a key where none was asked for');
      return this.admit();
    }
    this.#checkSignature(proof);
    this.#peer = { method: 'key', publicKey: proof.publicKey.slice() };
    return { type: 'ask', publicKey: this.#peer.publicKey };
  }

  admit(): ExchangeStep {
    const accept = writeMessage({
      number: MessageNumber.Accept,
      mode: this.#credentials.mode,
      demand: false,
      self: null,
      publicKey: null,
    });
    const key = messageKey(this.#crypto, this.#binding, 'accept', this.#preShared);
    setMac(accept, this.#crypto.hmacSha256(key, this.#offer, this.#proof!, accept.subarray(0, MACED_BYTES)));
    key.fill(0);
    this.#outgoing = accept;
    this.forget();
    return { type: 'open', peer: this.#peer };
  }

  workAhead(): void {
    if (this.#proof !== null || this.#credentials.mode === 'psk') return;
    makeReady(this.#crypto, this.#binding, ['proof', 'accept']);
  }

  forget(): void {
    forgetBinding(this.#binding);
    this.#preShared = null;
  }

  #makeOffer(): Uint8Array {
    const { mode, self } = this.#credentials;
    const identity = this.#credentials.mode === 'keys' ? this.#credentials.identity : null;
    const offer = writeMessage({
      number: MessageNumber.Offer,
      mode,
      demand: this.#credentials.mode === 'psk' || this.#credentials.demand,
      self: selfMark(this.#crypto, self, this.#binding),
      publicKey: identity?.publicKey ?? null,
    });
    if (identity !== null) {
      const signed = signedByListener(this.#binding, offer.subarray(0, SIGNED_BYTES));
      setSignature(offer, signatureOf(identity, signed, this.#crypto));
    }
    const key = messageKey(this.#crypto, this.#binding, 'offer', null);
    setMac(offer, this.#crypto.hmacSha256(key, offer.subarray(0, MACED_BYTES)));
    key.fill(0);
    return offer;
  }

  /** Tries every pre-shared key, whichever fits: the time tells nothing of it. */
  #checkMac(proof: ReceivedMessage): void {
    const candidates = this.#credentials.mode === 'psk' ? this.#credentials.keys : [null];
    let found = false;
    for (const candidate of candidates) {
      const key = messageKey(this.#crypto, this.#binding, 'proof', candidate);
      const mac = this.#crypto.hmacSha256(key, this.#offer, proof.maced);
      key.fill(0);
      if (!this.#crypto.equal(mac, proof.mac)) continue;
      found = true;
      this.#preShared = candidate;
    }
    if (!found) throw refused(wrongMac(this.#credentials.mode));
  }

  #checkSignature(proof: ReceivedMessage): void {
    const { publicKey } = proof;
    if (!isUsableKey(publicKey)) throw refused('no usable key where one was asked for');
    if (this.#credentials.mode === 'keys' && this.#crypto.equal(publicKey, this.#credentials.identity.publicKey)) {
      throw refused("this listener's own key");
    }
    const signed = signedByDialler(this.#binding, this.#offer, proof.signed);
    if (!this.#crypto.verifyEd25519(publicKey, signed, proof.signature))
      throw refused('a signature that does not hold');
  }
}
