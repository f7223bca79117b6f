/**
 * Who the peer is (wire protocol, Authentication): what an exchange is given, and what it gives. Pure, as all of protocol/: a
 * private key and a pre-shared key come as objects that do one thing with a secret and print none of it.
 */
import type { Crypto } from '../types.js';

/** A node's Ed25519 key pair. */
export interface Identity {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** The private KeyObject of node:crypto, where it may be signed with by something faster than `sign`. */
  readonly privateKey?: object;
  /** Ed25519 (RFC 8032) without context: 64 bytes. */
  sign(message: Uint8Array): Uint8Array;
}

/** A secret that both sides were given beforehand. */
export interface PreSharedKey {
  /** HKDF-SHA256 (RFC 5869) of the secret: 32 bytes. */
  derive(salt: Uint8Array, info: string): Uint8Array;
}

/** What a dialler brings: its own identity if it has one, or the pre-shared key. The listener must prove itself in any case. */
export type DiallerCredentials =
  | { mode: 'keys'; identity: Identity | null; self: Uint8Array }
  | { mode: 'psk'; key: PreSharedKey; self: Uint8Array };

/** What a listener brings: its identity, and whether a dialler must have one; or one to four pre-shared keys. */
export type ListenerCredentials =
  | { mode: 'keys'; identity: Identity; demand: boolean; self: Uint8Array }
  | { mode: 'psk'; keys: readonly PreSharedKey[]; self: Uint8Array };

/** What an exchange proved of the peer: its key, that it has the pre-shared key, or nothing (a dialler of which none is asked). */
export type ProvenPeer = { method: 'key'; publicKey: Uint8Array } | { method: 'psk' } | null;

/** What an exchange wants next of whoever carries it. */
export type ExchangeStep =
  /** Nothing: the peer's next message is due. */
  | { type: 'wait' }
  /** Whether this peer, whose key is proven, is one that we talk to: `admit` says yes; for no, the session is refused. */
  | { type: 'ask'; publicKey: Uint8Array }
  /** Both sides are proven: the session is open. */
  | { type: 'open'; peer: ProvenPeer };

/** One side of an exchange: messages in and out, each the 160 bytes within a packet of type 0xF. */
export interface Exchange {
  /** The peer's next message. @throws PoolError ERR_POOL_AUTH_FAILED where it proves nothing; the exchange is over then */
  receive(message: Uint8Array): ExchangeStep;
  /** The answer to `ask` was yes. */
  admit(): ExchangeStep;
  /** A message for the peer, once; null when there is none. */
  takeMessage(): Uint8Array | null;
  /** Makes now what the peer's next message will want. For while that is awaited; not needed. */
  workAhead(): void;
  /** Overwrites the exchange's keys. Done by the exchange itself at its end. */
  forget(): void;
}

/** Of {@link Crypto}, what an exchange uses. */
export type ExchangeCrypto = Pick<Crypto, 'hmacSha256' | 'equal' | 'hkdfSha256' | 'verifyEd25519' | 'signEd25519'>;
