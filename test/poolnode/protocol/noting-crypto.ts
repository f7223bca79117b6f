/** For tests of what is left of secrets and keys when they are used. */
import { nodeCrypto } from '../../../src/poolnode/crypto/node-crypto.js';
import type { Crypto, KeyPair, PacketCrypto } from '../../../src/poolnode/protocol/types.js';
import { changed } from './sealing.js';

/** RESPONSE: the puzzle's solution and the proof. */
const RESPONSE_BYTES = 64;

/** Node's cryptography, which keeps what it gave and took of secrets, and of keys which ones nobody has given up. */
export function noting(): { crypto: Crypto; secrets: Uint8Array[]; bindings: Uint8Array[]; held: Set<object> } {
  const real = nodeCrypto();
  const secrets: Uint8Array[] = [];
  /** What an exchange of proofs derives of the secret. */
  const bindings: Uint8Array[] = [];
  const held = new Set<object>();
  const noted = <T extends Uint8Array | null>(secret: T): T => {
    if (secret !== null) secrets.push(secret);
    return secret;
  };
  const crypto: Crypto = {
    ...real,
    generateKeyPair: (): KeyPair => {
      const pair = real.generateKeyPair();
      const token = {};
      held.add(token);
      return {
        publicKey: pair.publicKey,
        agree: (peer) => noted(pair.agree(peer)),
        dispose: () => {
          held.delete(token);
          pair.dispose();
        },
      };
    },
    hmacSha256: (key, ...pieces) => noted(real.hmacSha256(key, ...pieces)),
    hkdfSha256: (secret, info, salt) => {
      const key = real.hkdfSha256(secret, info, salt);
      if (info.startsWith('pool-ts ')) bindings.push(key);
      return key;
    },
    packetCrypto: (sessionKey, hmacKey): PacketCrypto => {
      const keys = real.packetCrypto(sessionKey, hmacKey);
      const token = {};
      held.add(token);
      return changed(keys, {
        seal: (nonce, plaintext, out, at) => {
          if (plaintext.length === RESPONSE_BYTES) secrets.push(plaintext);
          keys.seal(nonce, plaintext, out, at);
        },
        open: (nonce, sealed, from, to) => {
          const plaintext = keys.open(nonce, sealed, from, to);
          return plaintext?.length === RESPONSE_BYTES ? noted(plaintext) : plaintext;
        },
        dispose: () => {
          held.delete(token);
          keys.dispose();
        },
      });
    },
  };
  return { crypto, secrets, bindings, held };
}
