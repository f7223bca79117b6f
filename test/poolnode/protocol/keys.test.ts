import { describe, expect, it } from 'vitest';
import { nodeCrypto, x25519KeyPair } from '../../../src/poolnode/crypto/node-crypto.js';
import { deriveHandshakeKeys, derivePacketKeys } from '../../../src/poolnode/protocol/keys.js';
import type { Crypto, KeyPair } from '../../../src/poolnode/protocol/types.js';
import { mac, open, seal } from './sealing.js';

const crypto = nodeCrypto();
const pair = x25519KeyPair(new Uint8Array(32).fill(9));
const peer = x25519KeyPair(new Uint8Array(32).fill(7));
const id = new Uint8Array(16).fill(1);

describe('keys', () => {
  it('are the same on both sides, with and without a proof', () => {
    const mine = deriveHandshakeKeys(crypto, pair, peer.publicKey, id);
    const theirs = deriveHandshakeKeys(crypto, peer, pair.publicKey, id);
    const later = derivePacketKeys(crypto, pair, peer.publicKey);
    expect(mine.proof).toEqual(theirs.proof);
    const nonce = new Uint8Array(12);
    for (const keys of [theirs.packet, later]) {
      expect(mac(keys, id)).toEqual(mac(mine.packet, id));
      expect(open(keys, nonce, seal(mine.packet, nonce, id))).toEqual(id);
    }
  });

  it('prove one session only', () => {
    const other = deriveHandshakeKeys(crypto, pair, peer.publicKey, new Uint8Array(16).fill(2));
    expect(deriveHandshakeKeys(crypto, pair, peer.publicKey, id).proof).not.toEqual(other.proof);
  });

  it('leave no raw secret behind', () => {
    const raw: Uint8Array[] = [];
    const noting = (bytes: Uint8Array): Uint8Array => {
      raw.push(bytes);
      return bytes;
    };
    const noted: Crypto = { ...crypto, hkdfSha256: (secret, info) => noting(crypto.hkdfSha256(secret, info)) };
    const notedPair: KeyPair = {
      publicKey: pair.publicKey,
      agree: (key) => noting(pair.agree(key)),
      dispose: () => {},
    };
    derivePacketKeys(noted, notedPair, peer.publicKey);
    deriveHandshakeKeys(noted, notedPair, peer.publicKey, id);
    expect(raw).toHaveLength(6);
    for (const bytes of raw) expect(bytes).toEqual(new Uint8Array(32));
  });
});
