/**
 * What the two signatures are over. Each begins with its role, so that neither side's stands for the other's (Node has no
 * Ed25519 with contexts for that), and names the session; the dialler's covers the listener's offer as well.
 */
import { ascii, type Binding } from './keys.js';
import type { ExchangeCrypto, Identity } from './types.js';

const LISTENER = ascii('pool-ts auth v1 listener signature\0');
const DIALLER = ascii('pool-ts auth v1 dialler signature\0');

/** `offer` is its first 64 bytes. */
export function signedByListener({ channel }: Binding, offer: Uint8Array): Uint8Array {
  return joined(LISTENER, channel, offer);
}

/** `offer` is the whole offer, `proof` the first 64 bytes of the proof. */
export function signedByDialler({ channel }: Binding, offer: Uint8Array, proof: Uint8Array): Uint8Array {
  return joined(DIALLER, channel, offer, proof);
}

/** The identity's signature, by whoever makes it the fastest. */
export function signatureOf(identity: Identity, message: Uint8Array, crypto: ExchangeCrypto): Uint8Array {
  const { privateKey } = identity;
  return (privateKey && crypto.signEd25519?.(privateKey, message)) ?? identity.sign(message);
}

function joined(...pieces: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
