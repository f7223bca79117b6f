/**
 * Objects of node:crypto that the next packet will want, made while the process would wait for that packet. Making a
 * Cipheriv or an Hmac takes several times as long as running a short message through it, and a round trip makes four of
 * each one after the other; made ahead, none of that lies between a message and its answer. What is made does not differ,
 * only when: a spare is used once, and a cipher only under the very nonce that it was made for.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  type CipherGCM,
  type DecipherGCM,
  type Hmac,
  type KeyObject,
} from 'node:crypto';
import { NONCE_BYTES } from '../protocol/constants.js';
import { setImmediate } from '../../base/timers.js';

const CIPHER = 'chacha20-poly1305';
/** Constant, so that OpenSSL takes no shorter tag for a whole one. */
const CIPHER_OPTIONS = { authTagLength: 16 } as const;
const COUNTER_AT = 4;
/** A packet that is received and its answer want one each. */
const SPARE_HMACS = 2;

/** One direction's nonces count up by one (wire protocol, Sequence numbers), so the next one is known. */
class NextCipher<C> {
  readonly #make: (nonce: Uint8Array) => C;
  readonly #nonce = new Uint8Array(NONCE_BYTES);
  readonly #view = new DataView(this.#nonce.buffer, COUNTER_AT);
  #used = false;
  #spare: C | null = null;

  constructor(make: (nonce: Uint8Array) => C) {
    this.#make = make;
  }

  take(nonce: Uint8Array): C {
    const spare = this.#spare;
    this.#spare = null;
    const fits = spare !== null && this.#nonce.every((byte, at) => byte === nonce[at]);
    // Throws on a runtime that has no such cipher: nothing is prepared there.
    const cipher = fits ? spare : this.#make(nonce);
    this.#nonce.set(nonce);
    this.#used = true;
    return cipher;
  }

  prepare(): void {
    if (!this.#used) return; // nothing was said in this direction since: what was made still waits
    this.#used = false;
    this.#view.setBigUint64(0, this.#view.getBigUint64(0, true) + 1n, true);
    this.#spare = this.#make(this.#nonce);
  }
}

/** Ciphers and HMACs of one key set. */
export class SpareCiphers {
  readonly #hmacKey: KeyObject;
  readonly #seal: NextCipher<CipherGCM>;
  readonly #open: NextCipher<DecipherGCM>;
  readonly #hmacs: Hmac[] = [];
  #scheduled = false;

  constructor(sessionKey: KeyObject, hmacKey: KeyObject) {
    this.#hmacKey = hmacKey;
    this.#seal = new NextCipher((nonce) => createCipheriv(CIPHER, sessionKey, nonce, CIPHER_OPTIONS));
    this.#open = new NextCipher((nonce) => createDecipheriv(CIPHER, sessionKey, nonce, CIPHER_OPTIONS));
  }

  cipher(nonce: Uint8Array): CipherGCM {
    this.#schedule();
    return this.#seal.take(nonce);
  }

  decipher(nonce: Uint8Array): DecipherGCM {
    this.#schedule();
    return this.#open.take(nonce);
  }

  hmac(): Hmac {
    this.#schedule();
    return this.#hmacs.pop() ?? createHmac('sha256', this.#hmacKey);
  }

  /** Once the events at hand are worked off, and before the process waits for others. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#prepare).unref();
  }

  readonly #prepare = (): void => {
    this.#scheduled = false;
    this.#seal.prepare();
    this.#open.prepare();
    while (this.#hmacs.length < SPARE_HMACS) this.#hmacs.push(createHmac('sha256', this.#hmacKey));
  };
}
