/**
 * The protocol's cryptography on node:crypto. Keys live in KeyObjects, which print nothing; raw secrets are overwritten once
 * they are imported (best effort: V8 and OpenSSL may hold copies).
 */
import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  randomFillSync,
  timingSafeEqual,
  verify,
} from 'node:crypto';
import { KEY_BYTES, NONCE_PREFIX_BYTES, TAG_BYTES } from '../protocol/constants.js';
import { unusablePublicKey } from '../protocol/faults.js';
import { testCrypto } from './crypto-self-test.js';
import type { Cryptography } from './cryptography.js';
import type { Crypto, KeyPair, PacketCrypto } from '../protocol/types.js';
import { SpareCiphers } from './spare-ciphers.js';

const HKDF_SALT = new Uint8Array(32);

/** RFC 8410: what stands before the 32 raw bytes of an X25519 private key in DER. */
const PRIVATE_KEY_PREFIX = Uint8Array.from([
  0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x04, 0x22, 0x04, 0x20,
]);

/** The bytes as a plain Uint8Array over the same memory. */
function plain(bytes: Buffer): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

class X25519KeyPair implements KeyPair {
  readonly publicKey: Uint8Array;
  readonly #privateKey: KeyObject;

  constructor(privateKey: KeyObject) {
    this.#privateKey = privateKey;
    const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' });
    this.publicKey = Uint8Array.from(Buffer.from(x, 'base64url'));
  }

  agree(peerPublicKey: Uint8Array): Uint8Array {
    try {
      // As JWK: DER goes through OpenSSL's decoders, which take 25 times as long.
      const x = Buffer.from(peerPublicKey).toString('base64url');
      const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' });
      return plain(diffieHellman({ privateKey: this.#privateKey, publicKey }));
    } catch {
      throw unusablePublicKey();
    }
  }

  /** As {@link NodePacketCrypto.dispose}. */
  dispose(): void {}
}

/** The key pair of a given 32-byte private key. For tests and known answers; a node makes its own at random. */
export function x25519KeyPair(privateKey: Uint8Array): KeyPair {
  const der = Buffer.concat([PRIVATE_KEY_PREFIX, privateKey]);
  const key = createPrivateKey({ key: der, type: 'pkcs8', format: 'der' });
  der.fill(0);
  return new X25519KeyPair(key);
}

class NodePacketCrypto implements PacketCrypto {
  readonly #spare: SpareCiphers;
  readonly #noncePrefix: Uint8Array;

  constructor(sessionKey: Uint8Array, hmacKey: Uint8Array) {
    this.#noncePrefix = hmacKey.slice(0, NONCE_PREFIX_BYTES);
    this.#spare = new SpareCiphers(createSecretKey(sessionKey), createSecretKey(hmacKey));
  }

  /** Part of the HMAC key, hence not an own property that inspection would print. */
  get noncePrefix(): Uint8Array {
    return this.#noncePrefix;
  }

  seal(nonce: Uint8Array, plaintext: Uint8Array, out: Uint8Array, at: number): void {
    const cipher = this.#spare.cipher(nonce);
    out.set(cipher.update(plaintext), at);
    cipher.final();
    out.set(cipher.getAuthTag(), at + plaintext.length);
  }

  open(nonce: Uint8Array, sealed: Uint8Array, from: number, to: number): Uint8Array | null {
    const tagAt = to - TAG_BYTES;
    if (tagAt < from) return null;
    const decipher = this.#spare.decipher(nonce);
    decipher.setAuthTag(sealed.subarray(tagAt, to));
    // Held back until final() has seen the tag.
    const plaintext = decipher.update(sealed.subarray(from, tagAt));
    try {
      decipher.final();
    } catch {
      plaintext.fill(0);
      return null;
    }
    return plain(plaintext);
  }

  sign(bytes: Uint8Array, from: number, to: number, at: number): void {
    bytes.set(this.#spare.hmac().update(bytes.subarray(from, to)).digest(), at);
  }

  verify(mac: Uint8Array, header: Uint8Array, payload: Uint8Array, from: number, to: number): boolean {
    const hmac = this.#spare.hmac().update(header);
    if (to > from) hmac.update(payload.subarray(from, to));
    return crypto.equal(hmac.digest(), mac);
  }

  /** Nothing is held outside of what is collected. */
  dispose(): void {}
}

/** Public keys that signatures were checked with lately, by their bytes as text: peers come back. */
const lately = new Map<string, KeyObject>();
const MOST_LATELY = 64;

/** @throws where the bytes are no point of the curve */
function ed25519Key(publicKey: Uint8Array): KeyObject {
  // As JWK: ten times faster than DER.
  const x = Buffer.from(publicKey.buffer, publicKey.byteOffset, publicKey.length).toString('base64url');
  const before = lately.get(x);
  if (before !== undefined) return before;
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  // Whoever dials with ever new keys makes the others' be read again, and no more than that.
  if (lately.size >= MOST_LATELY) lately.clear();
  lately.set(x, key);
  return key;
}

const crypto: Crypto = Object.freeze<Crypto>({
  generateKeyPair: () => new X25519KeyPair(generateKeyPairSync('x25519').privateKey),

  randomBytes: (size) => randomFillSync(new Uint8Array(size)),

  sha256(...pieces) {
    const hash = createHash('sha256');
    for (const piece of pieces) hash.update(piece);
    return hash.digest();
  },

  hmacSha256(key, ...pieces) {
    const hmac = createHmac('sha256', key);
    for (const piece of pieces) hmac.update(piece);
    return plain(hmac.digest());
  },

  hkdfSha256: (secret, info, salt = HKDF_SALT) => new Uint8Array(hkdfSync('sha256', secret, salt, info, KEY_BYTES)),

  verifyEd25519(publicKey, message, signature) {
    try {
      return verify(null, message, ed25519Key(publicKey), signature);
    } catch {
      return false;
    }
  },

  packetCrypto(sessionKey, hmacKey) {
    const keys = new NodePacketCrypto(sessionKey, hmacKey);
    sessionKey.fill(0);
    hmacKey.fill(0);
    return keys;
  },

  equal: (a, b) => a.length === b.length && timingSafeEqual(a, b),
});

let tested = false;

/** As one of the kinds that can be chosen between. */
export const nodeCryptography: Cryptography = Object.freeze<Cryptography>({
  kind: 'node',
  crypto,
  keyPair: x25519KeyPair,
});

/**
 * The real {@link Crypto}. Its first use in a process checks it against published vectors and refuses to run where they do
 * not come out: throws ERR_FEATURE_UNAVAILABLE_ON_PLATFORM.
 */
export function nodeCrypto(): Crypto {
  if (!tested) {
    testCrypto(crypto, x25519KeyPair);
    tested = true;
  }
  return crypto;
}
