/**
 * The keys of an exchange (wire protocol, Authentication). They come from the handshake's shared secret and from its first two
 * packets as they were on the wire: whoever stands in the path and ends both sides has two secrets, or two transcripts.
 */
import type { Crypto } from '../types.js';
import type { ExchangeCrypto, PreSharedKey } from './types.js';

const ZEROS = new Uint8Array(32);

/** What binds an exchange to its session. */
export interface Binding {
  /** 32 bytes that name the session; not secret once they are signed. */
  readonly channel: Uint8Array;
  /** 32 bytes, secret: the messages' MACs come from it. */
  readonly key: Uint8Array;
  /** MAC keys that were made before they were wanted, until they are. */
  readonly ready: Map<MessageKey, Uint8Array>;
}

/** From the secret of X25519, and INIT and CHALLENGE as on the wire, header and HMAC field included. */
export function bindExchange(
  crypto: Pick<Crypto, 'sha256' | 'hkdfSha256'>,
  secret: Uint8Array,
  init: Uint8Array,
  challenge: Uint8Array,
): Binding {
  const transcript = crypto.sha256(init, challenge);
  return {
    channel: crypto.hkdfSha256(secret, 'pool-ts channel binding v1', transcript),
    key: crypto.hkdfSha256(secret, 'pool-ts auth v1 key', transcript),
    ready: new Map(),
  };
}

/** One key a message, so that no message stands for another. */
export type MessageKey = 'offer' | 'proof' | 'accept';

/**
 * The MAC key of a message, its taker's to overwrite. The offer never has the pre-shared key in it: who merely dials gets
 * nothing to guess at.
 */
export function messageKey(
  crypto: ExchangeCrypto,
  { key, ready }: Binding,
  message: MessageKey,
  preShared: PreSharedKey | null,
): Uint8Array {
  const made = ready.get(message);
  if (made !== undefined) {
    ready.delete(message);
    return made;
  }
  const info = `pool-ts auth v1 ${message}`;
  return message === 'offer' || preShared === null ? crypto.hkdfSha256(ZEROS, info, key) : preShared.derive(key, info);
}

/** Makes the MAC keys of messages to come, where no pre-shared key is in them: nothing is left to derive when they are there. */
export function makeReady(crypto: ExchangeCrypto, binding: Binding, messages: readonly MessageKey[]): void {
  try {
    for (const message of messages) {
      if (!binding.ready.has(message)) binding.ready.set(message, messageKey(crypto, binding, message, null));
    }
  } catch {
    // The message that wants it tries again, and fails with it.
  }
}

/** Overwrites all of it: the exchange is over. */
export function forgetBinding({ channel, key, ready }: Binding): void {
  channel.fill(0);
  key.fill(0);
  for (const made of ready.values()) made.fill(0);
  ready.clear();
}

/** 16 bytes by which a process knows an offer of its own: under a pre-shared key both sides are alike (RFC 9257, section 4.1). */
export function selfMark(crypto: ExchangeCrypto, processSecret: Uint8Array, { channel }: Binding): Uint8Array {
  return crypto.hmacSha256(processSecret, SELF_LABEL, channel).subarray(0, 16);
}

const SELF_LABEL = ascii('pool-ts auth v1 self');

/** The bytes of a text of ASCII characters. */
export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
