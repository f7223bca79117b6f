/** Known answers that a Crypto must give before a node runs on it: one of each primitive, through our own wrappers. */
import { PoolError } from '../../base/errors.js';
import { ascii } from '../protocol/authentication/keys.js';
import { HMAC_BYTES, TAG_BYTES } from '../protocol/constants.js';
import type { Crypto, KeyPair } from '../protocol/types.js';

const SHA256_ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';

/** RFC 4231, test case 2. */
const HMAC_CASE_2 = '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843';

/** RFC 5869, test case 3, whose empty salt is 32 zero bytes; the first 32 bytes. */
const HKDF_CASE_3 = '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d';

/** RFC 7748, section 6.1. */
const ALICE_PRIVATE = '77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a';
const BOB_PUBLIC = 'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f';
const ALICE_AND_BOB = '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742';

/**
 * RFC 8439, section 2.4.2: the AEAD starts its keystream where that example does. The RFC's AEAD example has associated data
 * and ours none, so the tag is that of two independent implementations.
 */
const SUNSCREEN_NONCE = '000000000000004a00000000';
const SUNSCREEN =
  "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";
const SUNSCREEN_SEALED = [
  '6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9fae0bf91b65c5524733ab8f593dabcd62b357',
  '1639d624e65152ab8f530c359f0861d807ca0dbf500d6a6156a38e088a22b65e52bc514d16ccf806818ce91ab7793736',
  '5af90bbf74a35be6b40b8eedf2785e42874d',
  '81db63fcb189a03121ae0ac72a3f1f36',
].join('');

/** Throws ERR_FEATURE_UNAVAILABLE_ON_PLATFORM, naming the primitive, where an answer is wrong or can't be had. */
export function testCrypto(crypto: Crypto, keyPair: (privateKey: Uint8Array) => KeyPair): void {
  const checks: [name: string, passes: () => boolean][] = [
    ['SHA-256', () => hex(crypto.sha256(ascii('a'), ascii('bc'))) === SHA256_ABC],
    [
      'HMAC-SHA256',
      () => hex(crypto.hmacSha256(ascii('Jefe'), ascii('what do ya want '), ascii('for nothing?'))) === HMAC_CASE_2,
    ],
    ['HKDF-SHA256', () => hex(crypto.hkdfSha256(new Uint8Array(22).fill(0x0b), '')) === HKDF_CASE_3],
    ['X25519', () => agrees(keyPair(bytes(ALICE_PRIVATE)))],
    ['ChaCha20-Poly1305', () => sealsAndOpens(crypto)],
  ];
  for (const [name, passes] of checks) {
    let [why, cause]: [string, unknown] = ['does not give its published answers', undefined];
    try {
      if (passes()) continue;
    } catch (error) {
      [why, cause] = [`can't be had (${String(error)})`, error];
    }
    const reason = `${name} of this runtime ${why}: no session can be encrypted with it`;
    throw new PoolError('ERR_FEATURE_UNAVAILABLE_ON_PLATFORM', reason, { cause });
  }
}

function agrees(pair: KeyPair): boolean {
  const secret = pair.agree(bytes(BOB_PUBLIC));
  pair.dispose();
  return hex(secret) === ALICE_AND_BOB;
}

function sealsAndOpens(crypto: Crypto): boolean {
  const keys = crypto.packetCrypto(
    Uint8Array.from({ length: 32 }, (_, i) => i),
    ascii('Jefe'),
  );
  const nonce = bytes(SUNSCREEN_NONCE);
  const sealed = new Uint8Array(1 + SUNSCREEN.length + TAG_BYTES);
  keys.seal(nonce, ascii(SUNSCREEN), sealed, 1);
  const opened = keys.open(nonce, sealed, 1, sealed.length);
  const changed = sealed.slice();
  changed[changed.length - 1]! ^= 1;
  const refused = keys.open(nonce, changed, 1, changed.length);
  const signed = new Uint8Array([...ascii('what do ya want for nothing?'), ...new Uint8Array(HMAC_BYTES)]);
  const macAt = signed.length - HMAC_BYTES;
  keys.sign(signed, 0, macAt, macAt);
  const mac = signed.slice(macAt);
  const [header, payload] = [ascii('what do ya want '), ascii(' for nothing?')];
  const right = keys.verify(mac, header, payload, 1, payload.length);
  mac[0]! ^= 1;
  const wrong = keys.verify(mac, header, payload, 1, payload.length);
  keys.dispose();
  return (
    hex(sealed.subarray(1)) === SUNSCREEN_SEALED &&
    opened !== null &&
    hex(opened) === hex(ascii(SUNSCREEN)) &&
    refused === null &&
    hex(signed.subarray(macAt)) === HMAC_CASE_2 &&
    right &&
    !wrong
  );
}

function bytes(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function hex(data: Uint8Array): string {
  return Array.from(data, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
