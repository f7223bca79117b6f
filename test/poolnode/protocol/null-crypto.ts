/** Crypto that encrypts nothing and believes everything, so that made-up packets get past the HMAC. For fuzzing only. */
import type { Crypto, PacketCrypto } from '../../../src/poolnode/protocol/types.js';

const keys: PacketCrypto = {
  noncePrefix: new Uint8Array(4),
  seal: (_nonce, plaintext, out, at) => out.fill(0, at, at + plaintext.length + 16).set(plaintext, at),
  open: (_nonce, sealed, from, to) => sealed.slice(from, to - 16),
  sign: (bytes, _from, _to, at) => void bytes.fill(0, at, at + 32),
  verify: () => true,
  dispose: () => undefined,
};

export const nullCrypto: Crypto = {
  generateKeyPair: () => ({ publicKey: new Uint8Array(32), agree: () => new Uint8Array(32), dispose: () => undefined }),
  randomBytes: (size) => new Uint8Array(size),
  sha256: () => new Uint8Array(32),
  hmacSha256: () => new Uint8Array(32),
  hkdfSha256: () => new Uint8Array(32),
  verifyEd25519: () => true,
  packetCrypto: () => keys,
  equal: () => true,
};
