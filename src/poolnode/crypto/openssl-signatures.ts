/**
 * Checks of Ed25519 signatures on OpenSSL directly. The arithmetic is that of node:crypto, which has it from the same library;
 * what is spared are the objects around it, a third of a check in a program that makes one now and then.
 */
import { HASH_BYTES, type OpenSsl, type Pointer } from './openssl-library.js';

/** EVP_PKEY_ED25519 of openssl/obj_mac.h. */
const ED25519 = 1087;
const KEY_BYTES = HASH_BYTES;
/** Public keys that are kept: peers come back. Whoever dials with ever new ones makes the others' be read again, no more. */
const MOST_KEYS = 64;

/** RFC 8032, section 7.1, TEST 2: key, message and signature. */
const TEST_2 = {
  key: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
  message: '72',
  signature:
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
};

/** A public key of OpenSSL's, freed once nobody holds it. */
interface PublicKeyHandle {
  readonly pointer: Pointer;
}

export class Ed25519Verifier {
  readonly #lib: OpenSsl;
  readonly #keys = new Map<string, PublicKeyHandle>();
  /** Of this thread as long as it lives; it has no key between two calls. */
  readonly #context: Pointer;

  /** Throws where OpenSSL doesn't give the published answer. */
  constructor(lib: OpenSsl) {
    this.#lib = lib;
    this.#context = lib.f.newDigest();
    const [key, message, signature] = [TEST_2.key, TEST_2.message, TEST_2.signature].map((hex) =>
      Uint8Array.from(hex.match(/../g)!, (byte) => Number.parseInt(byte, 16)),
    ) as [Uint8Array, Uint8Array, Uint8Array];
    const right = this.verify(key, message, signature);
    signature[0]! ^= 1;
    if (!right || this.verify(key, message, signature)) throw new Error('OpenSSL has no Ed25519 that can be used');
  }

  /** Whether the signature holds. False as well for a key or signature of a wrong length, and a key that is no point. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
    const { f } = this.#lib;
    const key = publicKey.length === KEY_BYTES ? this.#keyOf(publicKey) : null;
    const holds =
      key !== null &&
      f.startVerify(this.#context, 0, 0, 0, key.pointer) === 1 &&
      f.verifySignature(this.#context, signature, signature.length, message, message.length) === 1;
    f.resetDigest(this.#context);
    if (!holds) f.forgetErrors();
    return holds;
  }

  #keyOf(publicKey: Uint8Array): PublicKeyHandle | null {
    const name = Buffer.from(publicKey.buffer, publicKey.byteOffset, publicKey.length).toString('latin1');
    const before = this.#keys.get(name);
    if (before !== undefined) return before;
    const pointer = this.#lib.f.publicKey(ED25519, 0, publicKey, KEY_BYTES);
    if (pointer === 0) return null;
    if (this.#keys.size >= MOST_KEYS) {
      for (const key of this.#keys.values()) this.#lib.release(key, key.pointer);
      this.#keys.clear();
    }
    const key = { pointer };
    this.#lib.own(key, pointer);
    this.#keys.set(name, key);
    return key;
  }
}
