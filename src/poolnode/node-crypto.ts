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
import { PoolError } from '../errors.js';
import { selfTest } from './crypto-self-test.js';
import type { Crypto, KeyPair, PacketCrypto } from './protocol/types.js';
import { SpareCiphers } from './spare-ciphers.js';

const TAG_BYTES = 16;
const KEY_BYTES = 32;
const NONCE_PREFIX_BYTES = 4;
/** The longest payload of a packet. */
const MAX_PAYLOAD_BYTES = 65_535;
const HKDF_SALT = new Uint8Array(32);

/** RFC 8410: what stands before the 32 raw bytes of an X25519 key in DER. */
const PUBLIC_KEY_PREFIX = Uint8Array.from([0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x03, 0x21, 0x00]);
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
    const der = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
    this.publicKey = Uint8Array.from(der.subarray(-KEY_BYTES));
  }

  agree(peerPublicKey: Uint8Array): Uint8Array {
    try {
      const key = Buffer.concat([PUBLIC_KEY_PREFIX, peerPublicKey]);
      const publicKey = createPublicKey({ key, type: 'spki', format: 'der' });
      return plain(diffieHellman({ privateKey: this.#privateKey, publicKey }));
    } catch {
      // No cause: OpenSSL's reason names the library's inside, and the caller can do nothing with it.
      throw new PoolError(
        'ERR_POOL_AUTH_FAILED',
        "the peer's public key can't be used: it is no X25519 key or of low order",
      );
    }
  }
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

  seal(nonce: Uint8Array, plaintext: Uint8Array): Uint8Array[] {
    const cipher = this.#spare.cipher(nonce);
    const ciphertext = cipher.update(plaintext);
    cipher.final();
    return [ciphertext, cipher.getAuthTag()];
  }

  open(nonce: Uint8Array, sealed: readonly Uint8Array[]): Uint8Array | null {
    const { ciphertext, tag } = parted(sealed);
    if (tag === null) return null;
    const decipher = this.#spare.decipher(nonce);
    decipher.setAuthTag(tag);
    // Held back until final() has seen the tag.
    const plaintext = decipher.update(ciphertext.length === 1 ? ciphertext[0]! : joined(ciphertext));
    try {
      decipher.final();
    } catch {
      plaintext.fill(0);
      return null;
    }
    return plain(plaintext);
  }

  mac(pieces: readonly Uint8Array[]): Uint8Array {
    const hmac = this.#spare.hmac();
    for (const piece of pieces) hmac.update(piece);
    return hmac.digest();
  }
}

/**
 * Where the pieces of one ciphertext are put together, for the length of one call: a copy in warm memory is far cheaper
 * than an output per piece and a fresh buffer for all of them. Ciphertext only; nothing secret is ever in it.
 */
let joint = new Uint8Array(0);

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const size = pieces.reduce((sum, piece) => sum + piece.length, 0);
  if (joint.length < size) joint = new Uint8Array(Math.max(size, MAX_PAYLOAD_BYTES));
  let at = 0;
  for (const piece of pieces) {
    joint.set(piece, at);
    at += piece.length;
  }
  return joint.subarray(0, size);
}

/** Ciphertext and tag; the tag is exactly the last 16 bytes, wherever the pieces were cut. Null: there are fewer. */
function parted(sealed: readonly Uint8Array[]): { ciphertext: readonly Uint8Array[]; tag: Uint8Array | null } {
  const ciphertext = sealed.slice();
  const last = ciphertext.pop();
  if (last !== undefined && last.length >= TAG_BYTES) {
    const cut = last.length - TAG_BYTES;
    if (cut > 0 || ciphertext.length === 0) ciphertext.push(last.subarray(0, cut));
    return { ciphertext, tag: last.subarray(cut) };
  }
  const tag = new Uint8Array(TAG_BYTES);
  let missing = TAG_BYTES;
  for (let piece = last; piece !== undefined; piece = ciphertext.pop()) {
    const cut = Math.max(0, piece.length - missing);
    missing -= piece.length - cut;
    tag.set(piece.subarray(cut), missing);
    if (cut > 0) ciphertext.push(piece.subarray(0, cut));
    if (missing === 0) return { ciphertext, tag };
  }
  return { ciphertext, tag: null };
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
      // As JWK: ten times faster than DER.
      const x = Buffer.from(publicKey).toString('base64url');
      return verify(
        null,
        message,
        createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }),
        signature,
      );
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

/**
 * The real {@link Crypto}. Its first use in a process checks it against published vectors and refuses to run where they do
 * not come out: throws ERR_FEATURE_UNAVAILABLE_ON_PLATFORM.
 */
export function nodeCrypto(): Crypto {
  if (!tested) {
    selfTest(crypto, x25519KeyPair);
    tested = true;
  }
  return crypto;
}
