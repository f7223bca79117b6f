import { createHmac } from 'node:crypto';
import { inspect } from 'node:util';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { describe, expect, it } from 'vitest';
import { PoolError } from '../../../src/base/errors.js';
import { CRYPTOGRAPHIES } from './cryptographies.js';
import { mac, open, seal } from '../protocol/sealing.js';
import { seeded } from '../protocol/seeded.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const ascii = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));
const sequence = (size: number, from = 0): Uint8Array =>
  Uint8Array.from({ length: size }, (_, i) => (i * 31 + from) & 0xff);

describe.each(CRYPTOGRAPHIES)('the cryptography of kind $kind', ({ crypto, keyPair: x25519KeyPair, kind }) => {
  function keySet(sessionKey: Uint8Array, hmacKey = sequence(32, 5)) {
    return crypto.packetCrypto(sessionKey.slice(), hmacKey.slice());
  }

  describe('X25519', () => {
    it.each([
      [
        'RFC 7748, 5.2, first',
        'a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4',
        'e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c',
        'c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552',
      ],
      [
        'RFC 7748, 5.2, second',
        '4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d',
        'e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493',
        '95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957',
      ],
      [
        'RFC 7748, 6.1',
        '77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a',
        'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f',
        '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742',
      ],
    ])('%s', (_, privateKey, publicKey, secret) => {
      expect(hex(x25519KeyPair(bytes(privateKey)).agree(bytes(publicKey)))).toBe(secret);
    });

    it('agrees with an independent implementation, from generated pairs', () => {
      const pair = crypto.generateKeyPair();
      const other = sequence(32, 9);
      expect(hex(pair.agree(x25519.getPublicKey(other)))).toBe(hex(x25519.getSharedSecret(other, pair.publicKey)));
    });

    it.each([
      ['0', '0000000000000000000000000000000000000000000000000000000000000000'],
      ['1', '0100000000000000000000000000000000000000000000000000000000000000'],
      ['order 8, first', 'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800'],
      ['order 8, second', '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157'],
      ['p - 1', 'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'],
      ['p', 'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'],
      ['p + 1', 'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'],
      ['of a wrong length', '01020304'],
    ])('refuses the public key %s with a typed error that carries no cause', (_, publicKey) => {
      let error: unknown;
      try {
        crypto.generateKeyPair().agree(bytes(publicKey));
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(PoolError);
      expect((error as PoolError).code).toBe('ERR_POOL_AUTH_FAILED');
      expect((error as PoolError).cause).toBeUndefined();
    });
  });

  describe('hashes', () => {
    it.each([
      [
        'RFC 4231, case 1',
        '0b'.repeat(20),
        hex(ascii('Hi There')),
        'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
      ],
      [
        'RFC 4231, case 2',
        hex(ascii('Jefe')),
        hex(ascii('what do ya want for nothing?')),
        '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
      ],
      [
        'RFC 4231, case 3',
        'aa'.repeat(20),
        'dd'.repeat(50),
        '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe',
      ],
      [
        'RFC 4231, case 6',
        'aa'.repeat(131),
        hex(ascii('Test Using Larger Than Block-Size Key - Hash Key First')),
        '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
      ],
    ])('HMAC-SHA256, %s', (_, key, data, expected) => {
      expect(hex(crypto.hmacSha256(bytes(key), bytes(data)))).toBe(expected);
      expect(hex(mac(keySet(sequence(32), bytes(key)), bytes(data)))).toBe(expected);
    });

    it('HKDF-SHA256, RFC 5869, case 3, whose empty salt is ours', () => {
      expect(hex(crypto.hkdfSha256(bytes('0b'.repeat(22)), ''))).toBe(
        '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d',
      );
    });

    it('HKDF-SHA256 with the info strings of POOL, as an independent implementation', () => {
      for (const info of ['pool-session-key', 'pool-hmac-key']) {
        const expected = hkdf(sha256, sequence(32), new Uint8Array(32), ascii(info), 32);
        expect(hex(crypto.hkdfSha256(sequence(32), info))).toBe(hex(expected));
      }
    });

    it('SHA-256 over pieces', () => {
      expect(hex(crypto.sha256(ascii('a'), ascii(''), ascii('bc')))).toBe(
        'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
      );
    });
  });

  describe('HMACs of packets', () => {
    it('are put where they belong and found right, wherever the packet lies', () => {
      const keys = keySet(sequence(32), sequence(32, 5));
      for (const size of [0, 1, 63, 1_000, 65_535]) {
        const memory = new Uint8Array(7 + 80 + size + 3).fill(0xee);
        memory.set(sequence(80 + size), 7);
        memory.fill(0, 7 + 48, 7 + 80);
        const packet = memory.slice(7, 87 + size);
        keys.sign(memory, 7, 87 + size, 7 + 48);
        const expected = hmac(sha256, sequence(32, 5), packet);
        expect(hex(memory.subarray(55, 87))).toBe(hex(expected));
        expect([...memory.subarray(0, 7), ...memory.subarray(-3)]).toEqual(new Array(10).fill(0xee));
        const header = packet.subarray(0, 80);
        expect(keys.verify(expected, header, memory, 87, 87 + size)).toBe(true);
        for (let bit = 0; bit < 256; bit += 17) {
          const wrong = expected.slice();
          wrong[bit >> 3]! ^= 1 << (bit & 7);
          expect(keys.verify(wrong, header, memory, 87, 87 + size)).toBe(false);
        }
        expect(keys.verify(expected.subarray(0, 31), header, memory, 87, 87 + size)).toBe(false);
        expect(keys.verify(new Uint8Array(0), header, memory, 87, 87 + size)).toBe(false);
      }
    });
  });

  describe('ChaCha20-Poly1305', () => {
    it('has the keystream of RFC 8439, 2.4.2', () => {
      const plaintext = ascii(
        "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
      );
      const keys = keySet(Uint8Array.from({ length: 32 }, (_, i) => i));
      const ciphertext = seal(keys, bytes('000000000000004a00000000'), plaintext).subarray(0, -16);
      expect(hex(ciphertext)).toMatch(/^6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c2.*874d$/);
    });

    it.each([0, 1, 15, 16, 17, 64, 1000, 65_519])('seals %i bytes as an independent implementation does', (size) => {
      const nonce = sequence(12, 77);
      const sealed = seal(keySet(sequence(32, 1)), nonce, sequence(size));
      expect(hex(sealed)).toBe(hex(chacha20poly1305(sequence(32, 1), nonce).encrypt(sequence(size))));
    });

    it('opens where it lies, and touches nothing around it', () => {
      const keys = keySet(sequence(32, 1));
      const nonce = sequence(12, 3);
      for (const size of [0, 1, 5, 40, 4_096, 4_097]) {
        const memory = new Uint8Array(size + 16 + 20).fill(0xee);
        keys.seal(nonce, sequence(size), memory, 9);
        expect(hex(memory.subarray(9, 25 + size))).toBe(hex(seal(keys, nonce, sequence(size))));
        expect([...memory.subarray(0, 9), ...memory.subarray(25 + size)]).toEqual(new Array(20).fill(0xee));
        const before = memory.slice();
        expect(keys.open(nonce, memory, 9, 25 + size)).toEqual(sequence(size));
        expect(memory).toEqual(before);
      }
    });

    it('refuses a changed bit, a shorter tag and no tag', () => {
      const keys = keySet(sequence(32, 1));
      const nonce = sequence(12, 3);
      const sealed = seal(keys, nonce, sequence(40));
      for (let bit = 0; bit < sealed.length * 8; bit++) {
        const changed = sealed.slice();
        changed[bit >> 3]! ^= 1 << (bit & 7);
        expect(open(keys, nonce, changed)).toBeNull();
      }
      for (let size = 0; size < sealed.length; size++) expect(keys.open(nonce, sealed, 0, size)).toBeNull();
      // A failure must leave nothing behind that a later packet would trip over.
      expect(open(keys, nonce, sealed)).toEqual(sequence(40));
    });

    it("gives memory that is nobody else's", () => {
      const keys = keySet(sequence(32, 1));
      const nonce = sequence(12, 3);
      const sizes = Array.from({ length: 500 }, (_, i) => 1 + ((i * 37) % 5_000));
      const opened = sizes.map((size) => open(keys, nonce, seal(keys, nonce, sequence(size, size)))!);
      opened.forEach((data, i) => {
        expect(data.constructor).toBe(Uint8Array);
        expect(Buffer.from(data).equals(sequence(sizes[i]!, sizes[i]))).toBe(true);
        data.fill(0);
      });
      for (const data of opened.filter(({ length }) => length > 4_096))
        expect(data.buffer.byteLength).toBe(data.length);
    });
  });

  describe('secrets', () => {
    it('overwrites raw keys once they are imported', () => {
      const sessionKey = sequence(32, 1);
      const hmacKey = sequence(32, 2);
      const keys = crypto.packetCrypto(sessionKey, hmacKey);
      expect(hex(sessionKey)).toBe('00'.repeat(32));
      expect(hex(hmacKey)).toBe('00'.repeat(32));
      expect(hex(keys.noncePrefix)).toBe(hex(sequence(32, 2).subarray(0, 4)));
      expect(hex(mac(keys, ascii('x')))).toBe(hex(hmac(sha256, sequence(32, 2), ascii('x'))));
    });

    it('prints no key, not even the part of one in the nonce', () => {
      const privateKey = sequence(32, 200);
      const shown = inspect([keySet(sequence(32, 1), sequence(32, 2)), x25519KeyPair(privateKey)], {
        depth: 9,
        showHidden: true,
      });
      for (const secret of [privateKey, sequence(32, 1), sequence(32, 2)]) {
        expect(shown).not.toContain(hex(secret.subarray(0, 4)));
        expect(shown.replace(/\s+/g, ' ')).not.toContain([...secret.subarray(0, 4)].join(', '));
      }
    });

    it('compares in one way only: equal length and equal bytes', () => {
      expect(crypto.equal(ascii('abc'), ascii('abc'))).toBe(true);
      expect(crypto.equal(ascii('abc'), ascii('abd'))).toBe(false);
      expect(crypto.equal(ascii('abc'), ascii('ab'))).toBe(false);
      expect(crypto.equal(new Uint8Array(32), new Uint8Array(0))).toBe(false);
    });

    it('draws random bytes outside of any shared pool', () => {
      const drawn = crypto.randomBytes(16);
      expect(drawn.buffer.byteLength).toBe(16);
      expect(hex(drawn)).not.toBe(hex(crypto.randomBytes(16)));
    });
  });

  describe('in any order', () => {
    it('does what node:crypto does with random sizes, offsets and memory', () => {
      const random = seeded(`cryptography ${kind}`);
      const reference = CRYPTOGRAPHIES.find((one) => one.kind === 'node')!.crypto;
      for (let set = 0; set < 8; set++) {
        const [sessionKey, hmacKey] = [random.bytes(32), random.bytes(32)];
        const ours = keySet(sessionKey, hmacKey);
        const theirs = reference.packetCrypto(sessionKey.slice(), hmacKey.slice());
        for (let round = 0; round < 50; round++) {
          const size = [random.int(40), random.int(300), random.int(5_000), random.int(65_520)][random.int(4)]!;
          const plaintext = placed(random, random.bytes(size));
          const nonce = placed(random, random.bytes(12));
          const at = 80 + random.int(100);
          const slab = placed(random, random.bytes(at + size + 16 + random.int(50)));
          const other = slab.slice();
          ours.seal(nonce, plaintext, slab, at);
          theirs.seal(nonce, plaintext, other, at);
          const end = at + size + 16;
          const from = at - 80;
          ours.sign(slab, from, end, from + 48);
          theirs.sign(other, from, end, from + 48);
          expect(Buffer.from(slab).equals(other)).toBe(true);
          expect(Buffer.from(ours.open(nonce, slab, at, end)!).equals(plaintext)).toBe(true);
          const header = placed(random, slab.slice(from, at));
          const signature = createHmac('sha256', hmacKey).update(header).update(slab.subarray(at, end)).digest();
          expect(ours.verify(signature, header, slab, at, end)).toBe(true);
          const spoilt = slab.slice();
          spoilt[at + random.int(size + 16)]! ^= 1 + random.int(255);
          expect(ours.open(nonce, spoilt, at, end)).toBeNull();
          expect(ours.verify(signature, header, spoilt, at, end)).toBe(false);
        }
      }
    });

    it.each<[name: string, misuse: (keys: ReturnType<typeof keySet>, memory: Uint8Array) => void]>([
      ['sealing beyond the end', (keys, memory) => keys.seal(sequence(12), sequence(10), memory, memory.length - 25)],
      ['sealing before the start', (keys, memory) => keys.seal(sequence(12), sequence(10), memory, -1)],
      ['an HMAC beyond the end', (keys, memory) => keys.sign(memory, 0, 10, memory.length - 31)],
    ])('refuses %s, and writes nothing around the memory', (_, misuse) => {
      const around = new Uint8Array(300).fill(0xee);
      const memory = around.subarray(100, 200);
      expect(() => misuse(keySet(sequence(32)), memory)).toThrowError();
      expect([...around.subarray(0, 100), ...around.subarray(200)].every((byte) => byte === 0xee)).toBe(true);
    });

    it('takes memory of any kind for a plaintext: shared, resizable, a view into more', () => {
      const keys = keySet(sequence(32));
      const kinds = [
        new Uint8Array(new SharedArrayBuffer(50), 3, 40),
        new Uint8Array(resizable(50), 3, 40),
        new Uint8Array(50).subarray(3, 43),
        Buffer.alloc(50).subarray(3, 43),
      ];
      for (const plaintext of kinds) {
        plaintext.set(sequence(40));
        expect(seal(keys, sequence(12), plaintext)).toEqual(seal(keys, sequence(12), sequence(40)));
      }
    });

    it('gives keys up once, and twice does no harm', () => {
      const keys = keySet(sequence(32));
      const pair = crypto.generateKeyPair();
      for (let i = 0; i < 2; i++) {
        keys.dispose();
        pair.dispose();
      }
      if (kind !== 'openssl') return;
      expect(() => seal(keys, sequence(12), sequence(1))).toThrowError(/given up/);
      expect(() => open(keys, sequence(12), sequence(20))).toThrowError(/given up/);
      expect(() => mac(keys, sequence(12))).toThrowError(/given up/);
      expect(() => keys.verify(sequence(32), sequence(80), sequence(1), 0, 1)).toThrowError(/given up/);
      expect(() => pair.agree(sequence(32))).toThrowError(/given up/);
    });
  });
});

/** The bytes somewhere in memory that holds more. */
function placed(random: ReturnType<typeof seeded>, data: Uint8Array): Uint8Array {
  const at = random.int(70);
  const memory = new Uint8Array(at + data.length + random.int(70));
  memory.set(data, at);
  return memory.subarray(at, at + data.length);
}

/** Of ES2024, which the library of types does not know yet. */
function resizable(size: number): ArrayBuffer {
  const Resizable = ArrayBuffer as unknown as new (size: number, options: { maxByteLength: number }) => ArrayBuffer;
  return new Resizable(size, { maxByteLength: 5_000 });
}
