/**
 * Which 32 bytes are taken for an Ed25519 key. OpenSSL checks signatures, not keys: under a key of small order one and the same
 * signature holds for every message or for every second, fourth or eighth one (RFC 8032 leaves that check to its users), and
 * encodings that are no canonical point are taken as well.
 */

/** The y coordinates of the points of order 8, little-endian; the other small orders have y = 0, 1 and p - 1. */
const ORDER_EIGHT = [
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
].map((hex) => BigInt(`0x${hex.match(/../g)!.reverse().join('')}`));

const P = 2n ** 255n - 19n;
const SMALL_ORDER = new Set([0n, 1n, P - 1n, ...ORDER_EIGHT]);

/** Whether the bytes are a canonical encoding and none of small order. Whether they are a point at all, OpenSSL finds out. */
export function isUsableKey(publicKey: Uint8Array): boolean {
  if (publicKey.length !== 32) return false;
  let y = 0n;
  for (let at = 31; at >= 0; at--) y = (y << 8n) | BigInt(at === 31 ? publicKey[at]! & 0x7f : publicKey[at]!);
  return y < P && !SMALL_ORDER.has(y);
}
