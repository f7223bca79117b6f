import { inspect } from 'node:util';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { describe, expect, it } from 'vitest';
import { PoolError } from '../../src/errors.js';
import { nodeCrypto, x25519KeyPair } from '../../src/poolnode/node-crypto.js';

const crypto = nodeCrypto();
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const ascii = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));
const sequence = (size: number, from = 0): Uint8Array =>
  Uint8Array.from({ length: size }, (_, i) => (i * 31 + from) & 0xff);

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
    expect(hex(keySet(sequence(32), bytes(key)).mac([bytes(data).subarray(0, 3), bytes(data).subarray(3)]))).toBe(
      expected,
    );
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

describe('ChaCha20-Poly1305', () => {
  it('has the keystream of RFC 8439, 2.4.2', () => {
    const plaintext = ascii(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
    );
    const keys = keySet(Uint8Array.from({ length: 32 }, (_, i) => i));
    const [ciphertext] = keys.seal(bytes('000000000000004a00000000'), plaintext);
    expect(hex(ciphertext!)).toMatch(/^6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c2.*874d$/);
  });

  it.each([0, 1, 15, 16, 17, 64, 1000, 65_519])('seals %i bytes as an independent implementation does', (size) => {
    const nonce = sequence(12, 77);
    const sealed = Buffer.concat(keySet(sequence(32, 1)).seal(nonce, sequence(size)));
    expect(hex(sealed)).toBe(hex(chacha20poly1305(sequence(32, 1), nonce).encrypt(sequence(size))));
  });

  it('opens however the pieces are cut, also through the tag', () => {
    const keys = keySet(sequence(32, 1));
    const nonce = sequence(12, 3);
    for (const size of [0, 1, 5, 40]) {
      const sealed = new Uint8Array(Buffer.concat(keys.seal(nonce, sequence(size))));
      for (let first = 0; first <= sealed.length; first++) {
        for (let second = first; second <= sealed.length; second += 3) {
          const pieces = [sealed.subarray(0, first), sealed.subarray(first, second), sealed.subarray(second)];
          expect(keys.open(nonce, pieces)).toEqual(sequence(size));
        }
      }
      const single = Array.from(sealed, (byte) => Uint8Array.of(byte));
      expect(keys.open(nonce, single)).toEqual(sequence(size));
    }
  });

  it('refuses a changed bit, a shorter tag and no tag', () => {
    const keys = keySet(sequence(32, 1));
    const nonce = sequence(12, 3);
    const sealed = new Uint8Array(Buffer.concat(keys.seal(nonce, sequence(40))));
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = sealed.slice();
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(keys.open(nonce, [changed])).toBeNull();
    }
    for (let size = 0; size < sealed.length; size++) expect(keys.open(nonce, [sealed.subarray(0, size)])).toBeNull();
    expect(keys.open(nonce, [])).toBeNull();
  });

  it("gives memory that is nobody else's", () => {
    const keys = keySet(sequence(32, 1));
    const nonce = sequence(12, 3);
    const opened = keys.open(nonce, keys.seal(nonce, sequence(10)))!;
    expect(opened.constructor).toBe(Uint8Array);
    expect(opened.buffer.byteLength).toBe(10);
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
    expect(hex(keys.mac([ascii('x')]))).toBe(hex(hmac(sha256, sequence(32, 2), ascii('x'))));
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
