/**
 * Ed25519 signatures on OpenSSL directly. The arithmetic is that of node:crypto, which has it from the same library; what is
 * spared are the objects around it, a third of a check in a program that makes one now and then.
 */
import { KeyObject } from 'node:crypto';
import { AT, HASH_BYTES, type OpenSsl, type Pointer } from './openssl-library.js';

/** EVP_PKEY_ED25519 of openssl/obj_mac.h. */
const ED25519 = 1087;
const KEY_BYTES = HASH_BYTES;
const SIGNATURE_BYTES = 64;
/** Public keys that are kept: peers come back. Whoever dials with ever new ones makes the others' be read again, no more. */
const MOST_KEYS = 64;

/** RFC 8032, section 7.1, TEST 2: secret, key, message and signature. */
const TEST_2 = {
  secret: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
  key: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
  message: '72',
  signature:
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
};

/** A key of OpenSSL's, freed once nobody holds it. */
interface KeyHandle {
  readonly pointer: Pointer;
}

export class Ed25519Signatures {
  readonly #lib: OpenSsl;
  readonly #keys = new Map<string, KeyHandle>();
  /** By the object that has the key: as long as a program holds that, it may sign. */
  readonly #privateKeys = new WeakMap<KeyObject, KeyHandle>();
  /** Of this thread as long as it lives; it has no key between two calls. */
  readonly #context: Pointer;

  /** Throws where OpenSSL doesn't give the published answer. */
  constructor(lib: OpenSsl) {
    this.#lib = lib;
    this.#context = lib.f.newDigest();
    const bytes = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g)!, (byte) => Number.parseInt(byte, 16));
    const [key, message, signature] = [bytes(TEST_2.key), bytes(TEST_2.message), bytes(TEST_2.signature)];
    const made = this.#sign(this.#private(bytes(TEST_2.secret)), message);
    const right = this.verify(key, message, signature) && made.every((byte, at) => byte === signature[at]);
    signature[0]! ^= 1;
    if (!right || this.verify(key, message, signature)) throw new Error('OpenSSL has no Ed25519 that can be used');
  }

  /** 64 bytes; null for what is no private KeyObject of Ed25519. */
  sign(privateKey: object, message: Uint8Array): Uint8Array | null {
    if (!(privateKey instanceof KeyObject)) return null;
    const known = this.#privateKeys.get(privateKey);
    if (known !== undefined) return this.#sign(known, message);
    if (privateKey.type !== 'private' || privateKey.asymmetricKeyType !== 'ed25519') return null;
    // RFC 8410: the secret's 32 bytes are the last ones.
    const der = privateKey.export({ type: 'pkcs8', format: 'der' });
    const key = this.#private(der.subarray(-KEY_BYTES));
    der.fill(0);
    this.#privateKeys.set(privateKey, key);
    return this.#sign(key, message);
  }

  #private(secret: Uint8Array): KeyHandle {
    const { f, at, scratch } = this.#lib;
    scratch.set(secret, AT.secret);
    const pointer = f.privateKey(ED25519, 0, at.secret, KEY_BYTES);
    scratch.fill(0, AT.secret, AT.secret + KEY_BYTES);
    this.#lib.done(pointer === 0 ? 0 : 1, 'reading a private key');
    const key = { pointer };
    this.#lib.own(key, pointer);
    return key;
  }

  #sign({ pointer }: KeyHandle, message: Uint8Array): Uint8Array {
    const { f, at, scratch, lengths } = this.#lib;
    lengths[0] = BigInt(SIGNATURE_BYTES);
    const made =
      f.startSign(this.#context, 0, 0, 0, pointer) === 1 &&
      f.makeSignature(this.#context, at.input, at.length, message, message.length) === 1;
    f.resetDigest(this.#context);
    this.#lib.done(made ? 1 : 0, 'signing');
    return scratch.slice(AT.input, AT.input + SIGNATURE_BYTES);
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

  #keyOf(publicKey: Uint8Array): KeyHandle | null {
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
