/**
 * Which 32 bytes are taken for an Ed25519 key. OpenSSL checks signatures, not keys: under a key of small order one and the same
 * signature holds for every message or for every second, fourth or eighth one (RFC 8032 leaves that check to its users), and
 * encodings that are no canonical point are taken as well.
 */

/** The y coordinates of the points of order 8, little-endian; the other small orders have y = 0, 1 and p - 1. */
const ORDER_EIGHT = [
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
].map((hex) => Uint8Array.from(hex.match(/../g)!, (byte) => Number.parseInt(byte, 16)));

const KEY_BYTES = 32;
/** The lowest byte of p = 2^255 - 19; the others of it are ff, and the highest 7f. */
const LOWEST_OF_P = 0xed;

/** Whether the bytes are a canonical encoding and none of small order. Whether they are a point at all, OpenSSL finds out. */
export function isUsableKey(publicKey: Uint8Array): boolean {
  if (publicKey.length !== KEY_BYTES) return false;
  const lowest = publicKey[0]!;
  // All but the lowest byte of y: those of p - 1 and of all that is p or more, or those of 0 and 1.
  if (isAbove(publicKey, 0xff, 0x7f)) return lowest < LOWEST_OF_P - 1;
  if (isAbove(publicKey, 0, 0)) return lowest > 1;
  return !ORDER_EIGHT.some((y) => isSame(publicKey, y));
}

/** Whether the bytes above the lowest are `middle`, and `highest` without the sign of x. */
function isAbove(publicKey: Uint8Array, middle: number, highest: number): boolean {
  if ((publicKey[KEY_BYTES - 1]! & 0x7f) !== highest) return false;
  for (let at = 1; at < KEY_BYTES - 1; at++) if (publicKey[at] !== middle) return false;
  return true;
}

function isSame(publicKey: Uint8Array, y: Uint8Array): boolean {
  if ((publicKey[KEY_BYTES - 1]! & 0x7f) !== y[KEY_BYTES - 1]) return false;
  for (let at = 0; at < KEY_BYTES - 1; at++) if (publicKey[at] !== y[at]) return false;
  return true;
}
