/** A PacketCrypto in the form in which tests like to ask it: bytes in, bytes out. */
import type { PacketCrypto } from '../../../src/poolnode/protocol/types.js';

/** Ciphertext and tag. */
export function seal(keys: PacketCrypto, nonce: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const sealed = new Uint8Array(plaintext.length + 16);
  keys.seal(nonce, plaintext, sealed, 0);
  return sealed;
}

export function open(keys: PacketCrypto, nonce: Uint8Array, sealed: Uint8Array): Uint8Array | null {
  return keys.open(nonce, sealed, 0, sealed.length);
}

/** HMAC-SHA256. */
export function mac(keys: PacketCrypto, bytes: Uint8Array): Uint8Array {
  const memory = new Uint8Array(bytes.length + 32);
  memory.set(bytes);
  keys.sign(memory, 0, bytes.length, bytes.length);
  return memory.slice(bytes.length);
}

/** `keys` but for what `changes` does otherwise. */
export function changed(keys: PacketCrypto, changes: Partial<PacketCrypto>): PacketCrypto {
  return {
    noncePrefix: keys.noncePrefix,
    seal: (nonce, plaintext, out, at) => keys.seal(nonce, plaintext, out, at),
    open: (nonce, sealed, from, to) => keys.open(nonce, sealed, from, to),
    sign: (bytes, from, to, at) => keys.sign(bytes, from, to, at),
    verify: (expected, header, payload, from, to) => keys.verify(expected, header, payload, from, to),
    dispose: () => keys.dispose(),
    ...changes,
  };
}
