import { describe, expect, it } from 'vitest';
import { testCrypto } from '../../../src/poolnode/crypto/crypto-self-test.js';
import { nodeCrypto, x25519KeyPair } from '../../../src/poolnode/crypto/node-crypto.js';
import type { Crypto, KeyPair } from '../../../src/poolnode/protocol/types.js';
import { changed } from '../protocol/sealing.js';

const flipped = (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === 0 ? byte ^ 1 : byte));

describe('the self-test', () => {
  it('passes on this runtime', () => {
    expect(() => testCrypto(nodeCrypto(), x25519KeyPair)).not.toThrow();
  });

  const real = nodeCrypto();
  const faulty: [name: string, changes: Partial<Crypto>][] = [
    ['SHA-256', { sha256: (...pieces) => flipped(real.sha256(...pieces)) }],
    ['HMAC-SHA256', { hmacSha256: (key, ...pieces) => flipped(real.hmacSha256(key, ...pieces)) }],
    ['HKDF-SHA256', { hkdfSha256: (secret, info) => flipped(real.hkdfSha256(secret, info)) }],
    [
      'ChaCha20-Poly1305',
      {
        packetCrypto: (sessionKey, hmacKey) => {
          const keys = real.packetCrypto(sessionKey, hmacKey);
          // A cipher that opens whatever it is given.
          return changed(keys, { open: (_nonce, sealed, from, to) => sealed.slice(from, to - 16) });
        },
      },
    ],
    [
      'ChaCha20-Poly1305',
      {
        // An HMAC that believes everything.
        packetCrypto: (...raw) => changed(real.packetCrypto(...raw), { verify: () => true }),
      },
    ],
    [
      'HMAC-SHA256',
      {
        hmacSha256: () => {
          throw new Error('digital envelope routines::unsupported');
        },
      },
    ],
  ];

  it.each(faulty)('refuses to run with a wrong %s, and names it', (name, changes) => {
    expect(() => testCrypto({ ...real, ...changes }, x25519KeyPair)).toThrowError(
      expect.objectContaining({
        code: 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM',
        message: expect.stringContaining(name) as string,
      }),
    );
  });

  it('says what threw where a primitive throws: that is no wrong answer', () => {
    const missing = new ReferenceError('setImmediate is not defined');
    const broken = {
      ...real,
      packetCrypto: () => {
        throw missing;
      },
    };
    expect(() => testCrypto(broken, x25519KeyPair)).toThrowError(
      expect.objectContaining({
        message: expect.stringMatching(/^ChaCha20-Poly1305 .*ReferenceError: setImmediate is not defined/) as string,
        cause: missing,
      }),
    );
  });

  it('refuses to run with a wrong X25519', () => {
    const wrong = (privateKey: Uint8Array): KeyPair => x25519KeyPair(flipped(privateKey));
    const wronger = (privateKey: Uint8Array): KeyPair => ({ ...wrong(privateKey), agree: () => new Uint8Array(32) });
    expect(() => testCrypto(real, wronger)).toThrowError(/X25519/);
  });
});
