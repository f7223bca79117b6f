/** From a key agreement to packet keys (wire protocol, Handshake). Both directions use the same keys. */
import { type Binding, bindExchange } from './authentication/keys.js';
import { HMAC_KEY_INFO, SESSION_KEY_INFO } from './constants.js';
import type { Crypto, KeyPair, PacketCrypto } from './types.js';

/** X25519 and HKDF. Throws where the peer's key is a low-order point. No raw secret outlives the call. */
export function derivePacketKeys(crypto: Crypto, own: KeyPair, peerPublicKey: Uint8Array): PacketCrypto {
  const secret = own.agree(peerPublicKey);
  try {
    return fromSecret(crypto, secret);
  } finally {
    secret.fill(0);
  }
}

export interface HandshakeKeys {
  packet: PacketCrypto;
  /** HMAC-SHA256 of the session id under the shared secret: what RESPONSE proves. */
  proof: Uint8Array;
  /** What an exchange of proofs is bound to; null where none was asked for. */
  binding: Binding | null;
}

/** INIT and CHALLENGE as on the wire, header and HMAC field included. */
export interface Transcript {
  init: Uint8Array;
  challenge: Uint8Array;
}

/** As {@link derivePacketKeys}, with the proof that only the handshake needs. */
export function deriveHandshakeKeys(
  crypto: Crypto,
  own: KeyPair,
  peerPublicKey: Uint8Array,
  sessionId: Uint8Array,
  transcript: Transcript | null = null,
): HandshakeKeys {
  const secret = own.agree(peerPublicKey);
  try {
    const proof = crypto.hmacSha256(secret, sessionId);
    const binding = transcript === null ? null : bindExchange(crypto, secret, transcript.init, transcript.challenge);
    return { packet: fromSecret(crypto, secret), proof, binding };
  } finally {
    secret.fill(0);
  }
}

function fromSecret(crypto: Crypto, secret: Uint8Array): PacketCrypto {
  const sessionKey = crypto.hkdfSha256(secret, SESSION_KEY_INFO);
  const hmacKey = crypto.hkdfSha256(secret, HMAC_KEY_INFO);
  const packet = crypto.packetCrypto(sessionKey, hmacKey);
  sessionKey.fill(0);
  hmacKey.fill(0);
  return packet;
}
