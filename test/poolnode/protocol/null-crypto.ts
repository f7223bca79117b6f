/** Crypto that encrypts nothing and believes everything, so that made-up packets get past the HMAC. For fuzzing only. */
import type { Crypto, PacketCrypto } from '../../../src/poolnode/protocol/types.js';
import { concat } from './pair.js';

const keys: PacketCrypto = {
  noncePrefix: new Uint8Array(4),
  seal: (_nonce, plaintext) => [plaintext.slice(), new Uint8Array(16)],
  open: (_nonce, sealed) => concat(sealed).slice(0, -16),
  mac: () => new Uint8Array(32),
};

export const nullCrypto: Crypto = {
  generateKeyPair: () => ({ publicKey: new Uint8Array(32), agree: () => new Uint8Array(32) }),
  randomBytes: (size) => new Uint8Array(size),
  sha256: () => new Uint8Array(32),
  hmacSha256: () => new Uint8Array(32),
  hkdfSha256: () => new Uint8Array(32),
  verifyEd25519: () => true,
  packetCrypto: () => keys,
  equal: () => true,
};
