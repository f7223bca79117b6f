import { createPrivateKey, createPublicKey, createSecretKey, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { nodeCrypto } from '../../src/poolnode/crypto/node-crypto.js';
import { CRYPTOGRAPHIES } from '../poolnode/crypto/cryptographies.js';
import { isUsableKey } from '../../src/base/ed25519-key.js';
import { rawPublicKey } from '../../src/base/public-key.js';
import { seeded } from '../poolnode/protocol/seeded.js';
import { TEST_1, TEST_2 } from '../poolnode/protocol/authentication/credentials.js';

/** RFC 8410: what stands before the 32 bytes of a private key. */
const PRIVATE_KEY_DER = Buffer.from('302e020100300506032b657004220420', 'hex');

const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'));
const zeros = '00'.repeat(31);
const most = 'ff'.repeat(30);

/** All encodings of the eight points of small order, those that are not canonical among them, with either sign bit. */
const SMALL_ORDER = [
  `00${zeros}`,
  `01${zeros}`,
  `ec${most}7f`,
  `ed${most}7f`,
  `ee${most}7f`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
].flatMap((hex) => {
  const negative = bytes(hex);
  negative[31]! |= 0x80;
  return [bytes(hex), negative];
});

describe('isUsableKey', () => {
  it.each([TEST_1, TEST_2])('takes a key of RFC 8032', ({ publicKey }) => expect(isUsableKey(publicKey)).toBe(true));

  it.each(SMALL_ORDER.map((key) => [Buffer.from(key).toString('hex'), key] as const))('refuses %s', (_, key) => {
    expect(isUsableKey(key)).toBe(false);
  });

  it('is needed: OpenSSL takes a signature under such a key for messages that nobody signed', () => {
    // R is the neutral element and S is 0: the equation holds whenever the hash is a multiple of the key's order.
    const forged = bytes(`01${zeros}${'00'.repeat(32)}`);
    const held = SMALL_ORDER.map((key) =>
      Array.from({ length: 64 }, (_, i) => nodeCrypto().verifyEd25519(key, Uint8Array.of(i), forged)).some(Boolean),
    );
    expect(held.filter(Boolean).length).toBeGreaterThan(0);
  });

  it.each([0, 31, 33])('refuses %i bytes', (size) => expect(isUsableKey(new Uint8Array(size).fill(9))).toBe(false));

  it.each(['ed', 'ee', 'f0', 'ff'])('refuses the encoding %s… that is no canonical one', (first) => {
    expect(isUsableKey(bytes(`${first}${most}7f`))).toBe(false);
  });

  it('agrees with the numbers that the rule is about, next to each that it refuses as well', () => {
    const p = 2n ** 255n - 19n;
    const numberOf = (key: Uint8Array): bigint =>
      key.reduceRight((sum, byte, at) => (sum << 8n) | BigInt(at === 31 ? byte & 0x7f : byte), 0n);
    const small = new Set(SMALL_ORDER.map((key) => numberOf(key) % p));
    const near = [...small, p, 2n ** 255n - 1n, 2n ** 8n, 2n ** 247n].flatMap((y) => [
      y - 1n,
      y,
      y + 1n,
      y ^ (1n << 128n),
    ]);
    const within = [...new Set(near)].filter((y) => y >= 0n && y < 2n ** 255n);
    const usable = within.map((y) => y < p && !small.has(y));
    for (const sign of [0n, 1n]) {
      const keys = within.map((y) => bytes((y | (sign << 255n)).toString(16).padStart(64, '0')).toReversed());
      expect(keys.map(isUsableKey)).toEqual(usable);
    }
    expect(new Set(usable)).toEqual(new Set([true, false]));
  });
});

describe.each(CRYPTOGRAPHIES)('verifyEd25519 of the cryptography of kind $kind', ({ crypto }) => {
  const message = bytes('72');
  const signature = TEST_2.sign(message);

  it('takes the signature of RFC 8032, TEST 2', () => {
    expect(Buffer.from(signature).toString('hex')).toBe(
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    );
    expect(crypto.verifyEd25519(TEST_2.publicKey, message, signature)).toBe(true);
  });

  it('refuses S + L, the other number that stands for the same one', () => {
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    let s = 0n;
    for (let at = 63; at >= 32; at--) s = (s << 8n) | BigInt(signature[at]!);
    s += order;
    const other = signature.slice();
    for (let at = 32; at < 64; at++, s >>= 8n) other[at] = Number(s & 0xffn);
    expect(crypto.verifyEd25519(TEST_2.publicKey, message, other)).toBe(false);
  });

  it.each([0, 63, 65])('refuses a signature of %i bytes', (size) => {
    expect(crypto.verifyEd25519(TEST_2.publicKey, message, new Uint8Array(size))).toBe(false);
  });

  it('tells many keys apart, those that it met before among them', () => {
    const pairs = Array.from({ length: 70 }, () => generateKeyPairSync('ed25519'));
    const signers = pairs.map(({ privateKey, publicKey }) => ({
      key: Uint8Array.from(Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url')),
      signature: Uint8Array.from(sign(null, message, privateKey)),
    }));
    for (let round = 0; round < 2; round++) {
      for (const [at, { key, signature: own }] of signers.entries()) {
        const other = signers[(at + 1) % signers.length]!.signature;
        expect(crypto.verifyEd25519(key, message, own)).toBe(true);
        expect(crypto.verifyEd25519(key, message, other)).toBe(false);
      }
    }
  });

  it('says what node:crypto says, of right ones, of changed bits and of keys that are none', () => {
    const random = seeded('signatures');
    let right = 0;
    for (let round = 0; round < 60; round++) {
      const der = Buffer.concat([PRIVATE_KEY_DER, random.bytes(32)]);
      const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
      const key = rawPublicKey(privateKey).slice();
      const text = random.bytes(random.int(400));
      const made = Uint8Array.from(sign(null, text, privateKey));
      const changed = [key, text, made][round % 4];
      if (changed !== undefined && changed.length > 0) {
        changed[random.int(changed.length)]! ^= 1 << random.int(8);
      }
      const expected = nodeCrypto().verifyEd25519(key, text, made);
      expect(crypto.verifyEd25519(key, text, made)).toBe(expected);
      if (expected) right += 1;
      const any = random.bytes(32);
      expect(crypto.verifyEd25519(any, text, made)).toBe(false);
    }
    expect(right).toBeGreaterThanOrEqual(15);
    expect(right).toBeLessThan(60);
  });

  it('refuses what is no key', () => {
    expect(crypto.verifyEd25519(new Uint8Array(31), message, signature)).toBe(false);
  });
});

const SIGNING = CRYPTOGRAPHIES.filter(({ crypto }) => crypto.signEd25519 !== undefined);

it('is OpenSSL that signs by itself', () => expect(SIGNING.map(({ kind }) => kind)).toEqual(['openssl']));

describe.each(SIGNING)('signEd25519 of the cryptography of kind $kind', ({ crypto }) => {
  const signed = (key: object, message: Uint8Array) => crypto.signEd25519!(key, message);

  it('gives the signature of RFC 8032, TEST 2', () => {
    expect(Buffer.from(signed(TEST_2.privateKey, bytes('72'))!).toString('hex')).toBe(
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    );
  });

  it('gives what node:crypto gives, for keys that take turns and messages of any length', () => {
    const random = seeded('own signatures');
    const keys = Array.from({ length: 5 }, () =>
      createPrivateKey({ key: Buffer.concat([PRIVATE_KEY_DER, random.bytes(32)]), format: 'der', type: 'pkcs8' }),
    );
    for (let round = 0; round < 60; round++) {
      const key = keys[random.int(keys.length)]!;
      const message = random.bytes(random.int(400));
      expect(signed(key, message)).toEqual(Uint8Array.from(sign(null, message, key)));
    }
  });

  it('leaves to others what is no private key of Ed25519, and checks signatures as before', () => {
    const { privateKey } = generateKeyPairSync('ed448');
    for (const other of [privateKey, createPublicKey(TEST_2.privateKey), createSecretKey(new Uint8Array(32)), {}]) {
      expect(signed(other, bytes('72'))).toBeNull();
    }
    expect(crypto.verifyEd25519(TEST_2.publicKey, bytes('72'), TEST_2.sign(bytes('72')))).toBe(true);
  });

  it('gives memory of its own: the next one overwrites nothing', () => {
    const first = signed(TEST_2.privateKey, bytes('72'))!;
    const copy = first.slice();
    signed(TEST_1.privateKey, bytes('af82'));
    expect(first).toEqual(copy);
  });
});
