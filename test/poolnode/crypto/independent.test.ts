/**
 * Every kind of cryptography against an independent implementation (noble), over inputs of the classes that wycheproof's vectors
 * have: public keys that are no canonical number, on the twist, next to p or of small order; private keys of one bit pattern;
 * messages that fill the limbs of Poly1305; tags that are changed, empty or full; keys of HMAC around its block.
 */
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { describe, expect, it } from 'vitest';
import { PoolError } from '../../../src/base/errors.js';
import type { Cryptography } from '../../../src/poolnode/crypto/cryptography.js';
import { nodeCryptography } from '../../../src/poolnode/crypto/node-crypto.js';
import { reached, timeout, tries } from '../../reliability/figures.js';
import { changed, mac, open, seal } from '../protocol/sealing.js';
import { type Seeded, seeded } from '../protocol/seeded.js';
import { CRYPTOGRAPHIES } from './cryptographies.js';

const P = 2n ** 255n - 19n;
const TOP_BIT = 2n ** 255n;
/** Of order 8; the others of small order are next to 0 and p. */
const ORDER_8 = [
  325606250916557431795983626356110631294008115727848805560023387167927233504n,
  39382357235489614581723060781553021112529911719440698176882885853963445705823n,
];

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function littleEndian(value: bigint): Uint8Array {
  const bytes = new Uint8Array(32);
  for (let at = 0; at < 32; at++, value >>= 8n) bytes[at] = Number(value & 0xffn);
  return bytes;
}

function pick<T>(random: Seeded, from: readonly T[]): T {
  return from[random.int(from.length)]!;
}

/** Bytes of one pattern, or of none. */
function patterned(random: Seeded, size: number): Uint8Array {
  const bytes = random.bytes(size);
  const pattern = pick(random, [null, null, 0x00, 0xff, 0x80, 0x7f, 0xfb]);
  return pattern === null ? bytes : bytes.fill(pattern);
}

/** Runs of patterns, as long as the blocks of Poly1305 or not. */
function runs(random: Seeded): Uint8Array {
  const pieces = Array.from({ length: random.int(8) }, () => patterned(random, pick(random, [1, 15, 16, 17, 64, 200])));
  return new Uint8Array(Buffer.concat(pieces));
}

function publicKey(random: Seeded): Uint8Array {
  const near = BigInt(random.int(40) - 20);
  const value = pick(random, [
    () => P + near,
    () => (near < 0n ? -near : near),
    () => 2n ** BigInt(random.int(255)) - BigInt(random.int(2)),
    () => pick(random, ORDER_8),
    () => BigInt(`0x${hex(random.bytes(32))}`) % TOP_BIT,
  ])();
  return littleEndian((value % TOP_BIT) + (random.int(2) === 0 ? TOP_BIT : 0n));
}

/** What differs, in words: null where nothing does. */
type Compare = (cryptography: Cryptography, random: Seeded) => string | null;

const COMPARED: Readonly<Record<string, Compare>> = {
  X25519: ({ keyPair }, random) => {
    const [own, peer] = [patterned(random, 32), publicKey(random)];
    let expected: string;
    try {
      expected = hex(x25519.getSharedSecret(own, peer));
    } catch {
      expected = 'ERR_POOL_AUTH_FAILED'; // of small order
    }
    const pair = keyPair(own.slice());
    let got: string;
    try {
      got = hex(pair.agree(peer));
    } catch (error) {
      got = error instanceof PoolError ? error.code : String(error);
    }
    pair.dispose();
    return got === expected ? null : `with ${hex(peer)} it came to ${got} instead of ${expected}`;
  },
  'ChaCha20-Poly1305': ({ crypto }, random) => {
    const [key, nonce, plaintext] = [patterned(random, 32), patterned(random, 12), runs(random)];
    const keys = crypto.packetCrypto(key.slice(), patterned(random, 32));
    try {
      const expected = chacha20poly1305(key, nonce).encrypt(plaintext);
      const where = `${plaintext.length} bytes under ${hex(key)}, ${hex(nonce)}`;
      if (hex(seal(keys, nonce, plaintext)) !== hex(expected)) return `${where} are sealed otherwise`;
      const opened = open(keys, nonce, expected);
      if (opened === null || hex(opened) !== hex(plaintext)) return `${where} are opened otherwise`;
      const tag = expected.subarray(-16);
      const whole = hex(tag);
      pick(random, [
        () => tag.fill(0),
        () => tag.fill(0xff),
        () => tag.forEach((byte, at) => (tag[at] = byte ^ 0xff)),
        () => (tag[random.int(16)]! ^= 1 << random.int(8)),
      ])();
      return hex(tag) === whole || open(keys, nonce, expected) === null ? null : `${where} are opened with a wrong tag`;
    } finally {
      keys.dispose();
    }
  },
  'HMAC-SHA256': ({ crypto }, random) => {
    const [key, data] = [patterned(random, pick(random, [1, 31, 32, 63, 64, 65, 131, 200])), runs(random)];
    const expected = hex(hmac(sha256, key, data));
    if (hex(crypto.hmacSha256(key.slice(), data)) !== expected) return `of ${data.length} bytes under ${hex(key)}`;
    const packets = patterned(random, 32);
    const keys = crypto.packetCrypto(patterned(random, 32), packets.slice());
    const equal = hex(mac(keys, data)) === hex(hmac(sha256, packets, data));
    keys.dispose();
    return equal ? null : `of a packet of ${data.length} bytes under ${hex(packets)}`;
  },
  'HKDF-SHA256 and SHA-256': ({ crypto }, random) => {
    const secret = patterned(random, pick(random, [1, 22, 32, 64, 80]));
    const info = 'pool info '.repeat(random.int(12));
    const expected = hkdf(sha256, secret, new Uint8Array(32), new Uint8Array(Buffer.from(info)), 32);
    if (hex(crypto.hkdfSha256(secret.slice(), info)) !== hex(expected)) return `of ${hex(secret)} for '${info}'`;
    const [first, second] = [runs(random), runs(random)];
    const digest = hex(sha256(new Uint8Array(Buffer.concat([first, second]))));
    return hex(crypto.sha256(first, second)) === digest ? null : `of ${first.length} and ${second.length} bytes`;
  },
};

describe.each(CRYPTOGRAPHIES)('the cryptography of kind $kind', (cryptography) => {
  it.each(Object.entries(COMPARED))(
    'does what an independent %s does, at its edges too',
    { timeout: timeout('C1') },
    (name, compare) => {
      const random = seeded(`${name} of ${cryptography.kind}`);
      const inputs = Math.ceil(tries('C1') / CRYPTOGRAPHIES.length / Object.keys(COMPARED).length);
      for (let input = 0; input < inputs; input++) {
        const difference = compare(cryptography, random);
        if (difference !== null) expect.unreachable(`input ${input}: ${difference}`);
      }
      reached('C1', inputs);
    },
  );
});

describe('the comparison', () => {
  const { crypto, keyPair } = nodeCryptography;
  const packets = (change: (keys: ReturnType<typeof crypto.packetCrypto>) => Parameters<typeof changed>[1]) => ({
    ...crypto,
    packetCrypto: (...both: Parameters<typeof crypto.packetCrypto>) => {
      const keys = crypto.packetCrypto(...both);
      return changed(keys, change(keys));
    },
  });
  const FAULTS: readonly (readonly [fault: string, of: keyof typeof COMPARED, faulty: Partial<Cryptography>])[] = [
    [
      'the top bit of a public key counts',
      'X25519',
      {
        keyPair: (own) => {
          const pair = keyPair(own);
          return {
            publicKey: pair.publicKey,
            agree: (peer) => pair.agree(peer[31]! < 0x80 ? peer : new Uint8Array(32).fill(9)),
            dispose: () => undefined,
          };
        },
      },
    ],
    [
      'a public key of small order is taken',
      'X25519',
      {
        keyPair: (own) => {
          const pair = keyPair(own);
          const agree = (peer: Uint8Array): Uint8Array => {
            try {
              return pair.agree(peer);
            } catch {
              return new Uint8Array(32);
            }
          };
          return { publicKey: pair.publicKey, agree, dispose: () => undefined };
        },
      },
    ],
    [
      'a tag is not looked at where it is full',
      'ChaCha20-Poly1305',
      {
        crypto: packets((keys) => ({
          open: (nonce, sealed, from, to) =>
            sealed.subarray(to - 16, to).every((byte) => byte === 0xff)
              ? sealed.slice(from, to - 16)
              : keys.open(nonce, sealed, from, to),
        })),
      },
    ],
    [
      'a key that is longer than a block is cut',
      'HMAC-SHA256',
      { crypto: { ...crypto, hmacSha256: (key, data) => crypto.hmacSha256(key.subarray(0, 64), data) } },
    ],
    [
      'pieces are not told apart from their first',
      'HKDF-SHA256 and SHA-256',
      { crypto: { ...crypto, sha256: (...pieces) => crypto.sha256(pieces[0]!) } },
    ],
  ];

  it.each(FAULTS)('sees that %s', (_, of, faulty) => {
    const random = seeded('planted faults of cryptography');
    const differences = Array.from({ length: 200 }, () => COMPARED[of]!({ ...nodeCryptography, ...faulty }, random));
    expect(differences.filter((difference) => difference !== null).length).toBeGreaterThan(0);
    // And not the comparison itself.
    const none = Array.from({ length: 50 }, () => COMPARED[of]!(nodeCryptography, random));
    expect(none.filter((difference) => difference !== null)).toEqual([]);
  });
});
