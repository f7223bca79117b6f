/** The dialler's side: it checks the listener before it shows who it is itself. */
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
import type { DiallerCredentials, Exchange, ExchangeCrypto, ExchangeStep, Identity, ProvenPeer } from './types.js';

export class DiallerExchange implements Exchange {
  readonly #crypto: ExchangeCrypto;
  readonly #credentials: DiallerCredentials;
  readonly #binding: Binding;
  #offer: ReceivedMessage | null = null;
  #proof: Uint8Array | null = null;
  #peer: ProvenPeer = null;
  #outgoing: Uint8Array | null = null;

  constructor(crypto: ExchangeCrypto, credentials: DiallerCredentials, binding: Binding) {
    this.#crypto = crypto;
    this.#credentials = credentials;
    this.#binding = binding;
  }

  takeMessage(): Uint8Array | null {
    const message = this.#outgoing;
    this.#outgoing = null;
    return message;
  }

  receive(bytes: Uint8Array): ExchangeStep {
    if (this.#offer === null) return this.#offered(bytes);
    if (this.#proof === null) throw refused('a second offer');
    return this.#accepted(bytes, this.#offer, this.#proof);
  }

  admit(): ExchangeStep {
    const { mode } = this.#credentials;
    const identity = this.#offer!.demand ? this.#identity : null;
    const proof = writeMessage({
      number: MessageNumber.Proof,
      mode,
      demand: false,
      self: null,
      publicKey: identity?.publicKey ?? null,
    });
    if (identity !== null) {
      const signed = signedByDialler(this.#binding, this.#offer!.bytes, proof.subarray(0, SIGNED_BYTES));
      setSignature(proof, signatureOf(identity, signed, this.#crypto));
    }
    const key = this.#key('proof');
    setMac(proof, this.#crypto.hmacSha256(key, this.#offer!.bytes, proof.subarray(0, MACED_BYTES)));
    key.fill(0);
    this.#outgoing = this.#proof = proof;
    return { type: 'wait' };
  }

  workAhead(): void {
    if (this.#offer !== null || this.#credentials.mode === 'psk') return;
    makeReady(this.#crypto, this.#binding, ['offer', 'proof', 'accept']);
  }

  forget(): void {
    forgetBinding(this.#binding);
  }

  get #identity(): Identity | null {
    return this.#credentials.mode === 'keys' ? this.#credentials.identity : null;
  }

  #key(message: 'proof' | 'accept'): Uint8Array {
    const preShared = this.#credentials.mode === 'psk' ? this.#credentials.key : null;
    return messageKey(this.#crypto, this.#binding, message, preShared);
  }

  #offered(bytes: Uint8Array): ExchangeStep {
    const { mode } = this.#credentials;
    const offer = new ReceivedMessage(bytes, MessageNumber.Offer, mode);
    const key = messageKey(this.#crypto, this.#binding, 'offer', null);
    const mac = this.#crypto.hmacSha256(key, offer.maced);
    key.fill(0);
    if (!this.#crypto.equal(mac, offer.mac)) throw refused(wrongMac('keys'));
    this.#offer = offer;
    if (mode === 'psk') {
      // Who has the secret is alike, so this side's own listener would do as well. With keys, its key tells it.
      const self = selfMark(this.#crypto, this.#credentials.self, this.#binding);
      if (this.#crypto.equal(self, offer.self)) {
        throw refused('an offer of this very node: the dial was led back to its own listener');
      }
      if (!offer.demand || !offer.isUnsigned) throw refused('an offer that is none of a pre-shared key');
      this.#peer = { method: 'psk' };
      return this.admit();
    }
    this.#checkSignature(offer);
    if (offer.demand && this.#identity === null) {
      throw refused('a demand for a key: this dial has no identity to show; give it one');
    }
    this.#peer = { method: 'key', publicKey: offer.publicKey.slice() };
    return { type: 'ask', publicKey: this.#peer.publicKey };
  }

  #checkSignature(offer: ReceivedMessage): void {
    const { publicKey } = offer;
    if (!isUsableKey(publicKey)) throw refused('a key that can not be used');
    const own = this.#identity?.publicKey;
    if (own !== undefined && this.#crypto.equal(publicKey, own)) throw refused("this dialler's own key");
    const signed = signedByListener(this.#binding, offer.signed);
    if (!this.#crypto.verifyEd25519(publicKey, signed, offer.signature))
      throw refused('a signature that does not hold');
  }

  #accepted(bytes: Uint8Array, offer: ReceivedMessage, proof: Uint8Array): ExchangeStep {
    const accept = new ReceivedMessage(bytes, MessageNumber.Accept, this.#credentials.mode);
    if (!accept.isUnsigned) throw refused('a key where none belongs');
    const key = this.#key('accept');
    const mac = this.#crypto.hmacSha256(key, offer.bytes, proof, accept.maced);
    key.fill(0);
    if (!this.#crypto.equal(mac, accept.mac)) throw refused(wrongMac(this.#credentials.mode));
    this.forget();
    return { type: 'open', peer: this.#peer };
  }
}
