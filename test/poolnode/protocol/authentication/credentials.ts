/** Identities and pre-shared keys of tests: those of the published vectors, and others made of a seed. */
import { createPrivateKey, createPublicKey, createSecretKey, hkdfSync, type KeyObject, sign } from 'node:crypto';
import type { Identity, PreSharedKey } from '../../../../src/poolnode/protocol/authentication/types.js';

/** An identity of 32 bytes in hex. */
export function identity(seed: string): Identity & { privateKey: KeyObject } {
  const der = Buffer.from(`302e020100300506032b657004220420${seed}`, 'hex');
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const { x } = createPublicKey(key).export({ format: 'jwk' });
  const publicKey = new Uint8Array(Buffer.from(x!, 'base64url'));
  return { privateKey: key, publicKey, sign: (message) => new Uint8Array(sign(null, message, key)) };
}

/** RFC 8032, section 7.1, TEST 1 and TEST 2. */
export const TEST_1 = identity('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60');
export const TEST_2 = identity('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb');

export function preSharedKey(bytes: Uint8Array): PreSharedKey {
  const key = createSecretKey(bytes);
  return { derive: (salt, info) => new Uint8Array(hkdfSync('sha256', key, salt, info, 32)) };
}

/** Byte i is (128 + 7 i) mod 256. */
export const PSK_BYTES = Uint8Array.from({ length: 32 }, (_, i) => (128 + 7 * i) % 256);
