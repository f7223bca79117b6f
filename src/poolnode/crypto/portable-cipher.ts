/**
 * ChaCha20-Poly1305 in JavaScript, for runtimes whose node:crypto has none (Bun, Electron); everything else is node:crypto's.
 * @noble/ciphers is loaded only there. HMACs are made anew for each packet, as such runtimes reward no other way.
 */
import type * as chacha from '@noble/ciphers/chacha.js';
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import type { Cryptography } from './cryptography.js';
import { nodeCryptography } from './node-crypto.js';
import { NONCE_PREFIX_BYTES, TAG_BYTES } from '../protocol/constants.js';
import type { PacketCrypto } from '../protocol/types.js';

type Noble = typeof chacha;

class PortablePacketCrypto implements PacketCrypto {
  readonly #noble: Noble;
  readonly #sessionKey: Uint8Array;
  readonly #hmacKey: KeyObject;
  readonly #noncePrefix: Uint8Array;

  constructor(noble: Noble, sessionKey: Uint8Array, hmacKey: Uint8Array) {
    this.#noble = noble;
    this.#sessionKey = sessionKey.slice();
    this.#hmacKey = createSecretKey(hmacKey);
    this.#noncePrefix = hmacKey.slice(0, NONCE_PREFIX_BYTES);
  }

  /** Part of the HMAC key, hence not an own property that inspection would print. */
  get noncePrefix(): Uint8Array {
    return this.#noncePrefix;
  }

  seal(nonce: Uint8Array, plaintext: Uint8Array, out: Uint8Array, at: number): void {
    out.set(this.#noble.chacha20poly1305(this.#sessionKey, nonce.slice()).encrypt(plaintext), at);
  }

  open(nonce: Uint8Array, sealed: Uint8Array, from: number, to: number): Uint8Array | null {
    if (to - from < TAG_BYTES) return null;
    const cipher = this.#noble.chacha20poly1305(this.#sessionKey, nonce.slice());
    try {
      return cipher.decrypt(sealed.subarray(from, to));
    } catch {
      return null;
    }
  }

  sign(bytes: Uint8Array, from: number, to: number, at: number): void {
    bytes.set(createHmac('sha256', this.#hmacKey).update(bytes.subarray(from, to)).digest(), at);
  }

  verify(mac: Uint8Array, header: Uint8Array, payload: Uint8Array, from: number, to: number): boolean {
    const hmac = createHmac('sha256', this.#hmacKey).update(header);
    if (to > from) hmac.update(payload.subarray(from, to));
    return nodeCryptography.crypto.equal(hmac.digest(), mac);
  }

  dispose(): void {
    this.#sessionKey.fill(0);
  }
}

/** Rejects where @noble/ciphers can't be loaded. */
export async function loadPortable(): Promise<Cryptography> {
  const noble = await import('@noble/ciphers/chacha.js');
  const { crypto, keyPair } = nodeCryptography;
  return {
    kind: 'portable',
    keyPair,
    crypto: {
      ...crypto,
      packetCrypto(sessionKey, hmacKey) {
        const keys = new PortablePacketCrypto(noble, sessionKey, hmacKey);
        sessionKey.fill(0);
        hmacKey.fill(0);
        return keys;
      },
    },
  };
}
