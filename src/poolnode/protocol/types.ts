/**
 * The protocol's edges: what it is given (crypto, randomness, time) and what it gives (bytes, events, deadlines).
 * Nothing under protocol/ imports a `node:` module but types. Time is monotonic nanoseconds as bigint, always a parameter.
 */
import type { RawTelemetry, SessionStateName } from '../../base/session.js';
import type { PoolError } from '../../base/errors.js';
import type { ProvenPeer } from './authentication/types.js';

/** An X25519 key pair; the private half is opaque, so that an implementation can keep it out of reach. */
export interface KeyPair {
  readonly publicKey: Uint8Array;
  /** X25519 with the peer's public key, 32 bytes. Throws on a low-order point. */
  agree(peerPublicKey: Uint8Array): Uint8Array;
  /** Gives the private half up. The pair is of no use then; a second time does nothing. */
  dispose(): void;
}

/**
 * The keys of one packet direction-less key set; holds them as opaque objects and prints none of them. Packets are sealed
 * into the memory that they leave from and opened where they came, so that no byte is moved but by the cipher. Each memory
 * has to hold what is asked of it: otherwise these throw, before anything is written.
 */
export interface PacketCrypto {
  /** First 4 bytes of the HMAC key: the constant part of every nonce. */
  readonly noncePrefix: Uint8Array;
  /** ChaCha20-Poly1305 without associated data: ciphertext, then the 16-byte tag, into `out` from `at` on. */
  seal(nonce: Uint8Array, plaintext: Uint8Array, out: Uint8Array, at: number): void;
  /**
   * The plaintext of `sealed` from `from` up to `to`, ciphertext and tag; null when the tag is wrong. The memory is nobody
   * else's, though a short one's ArrayBuffer may hold others.
   */
  open(nonce: Uint8Array, sealed: Uint8Array, from: number, to: number): Uint8Array | null;
  /** HMAC-SHA256 over `bytes` from `from` up to `to`, put into the same memory at `at`. */
  sign(bytes: Uint8Array, from: number, to: number, at: number): void;
  /** Whether `mac` is the HMAC-SHA256 over `header` and `payload` from `from` up to `to`; in constant time. */
  verify(mac: Uint8Array, header: Uint8Array, payload: Uint8Array, from: number, to: number): boolean;
  /** Gives the keys up: they are of no use then. A second time does nothing. */
  dispose(): void;
}

/** All the cryptography that the protocol uses. The real ones are chosen by poolnode/crypto/cryptography.ts; tests inject others. */
export interface Crypto {
  generateKeyPair(): KeyPair;
  randomBytes(size: number): Uint8Array;
  sha256(...pieces: Uint8Array[]): Uint8Array;
  hmacSha256(key: Uint8Array, ...pieces: Uint8Array[]): Uint8Array;
  /** RFC 5869, 32 bytes out; the salt is 32 zero bytes where none is given. */
  hkdfSha256(secret: Uint8Array, info: string, salt?: Uint8Array): Uint8Array;
  /** RFC 8032, with a 32-byte public key; false for whatever is no signature of it. The key is not judged. */
  verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  /** RFC 8032 without context, 64 bytes; null where it can do nothing with the key. Not known where the key's owner signs as fast. */
  signEd25519?(privateKey: object, message: Uint8Array): Uint8Array | null;
  /** Overwrites both raw keys. */
  packetCrypto(sessionKey: Uint8Array, hmacKey: Uint8Array): PacketCrypto;
  /** Constant time; false on unequal length. */
  equal(a: Uint8Array, b: Uint8Array): boolean;
  /** Takes back a plaintext that nobody reads any more: later ones may have its memory. Not known where memory isn't kept. */
  giveBack?(plaintext: Uint8Array): void;
}

export interface SessionLimits {
  /** Packets in both directions after which a REKEY starts; default 0.9 x 2^28. */
  rekeyPackets: number;
  /** ns after which a REKEY starts; default 50 minutes. */
  rekeyIntervalNs: bigint;
  /** ns between HEARTBEATs; default 5 s. */
  heartbeatIntervalNs: bigint;
  /** ns of silence after which the peer is lost; default 20 s. */
  deadAfterNs: bigint;
  /** ns for a packet whose first byte came to be complete; default 30 s. */
  packetTimeoutNs: bigint;
}

export interface ProtocolConfig {
  crypto: Crypto;
  /**
   * The first sequence number of this side, drawn by the caller: a client from [2^32, 2^62), a server from
   * [2^62, 2^63 - 2^40). Used as given.
   */
  initialSequence: bigint;
  /** ns added to `now` in the header's timestamp, so that the peer does not learn the host's uptime. */
  timestampOffset: bigint;
  limits?: Partial<SessionLimits>;
}

export type SessionEvent =
  | { type: 'message'; channel: number; data: Uint8Array }
  | { type: 'rekeyed'; count: number }
  /** Whether to go on with a peer of this Ed25519 key: wants `decide`. */
  | { type: 'peer-proven'; publicKey: Uint8Array }
  /** The peer proved who it is, and this side did: messages flow from here on. */
  | { type: 'authenticated'; peer: ProvenPeer }
  /** The peer's authenticated CLOSE. Last event. */
  | { type: 'closed' }
  /** The session ended by a fault: ERR_POOL_PROTOCOL, ERR_POOL_AUTH_FAILED, ERR_POOL_PEER_LOST. Last event. */
  | { type: 'failed'; error: PoolError };

/**
 * One side of a handshake. Calling order: `receive` as bytes come, then `advance` until it gives null or the result; write
 * what `takeOutput` gives; call `advance` again at `nextTimeout`. `advance` throws a PoolError when the handshake failed;
 * there is nothing to send then and no way on.
 */
export interface Handshake {
  readonly state: SessionStateName;
  /** Bytes from the peer, kept by reference until consumed, or until `detachInput`. */
  receive(chunk: Uint8Array): void;
  /** Copies what is held of the chunks: their memory is the caller's again. */
  detachInput(): void;
  /**
   * Goes on as far as the bytes allow. The session once both sides hold the keys: it inherits the unread bytes and the
   * packets that overtook the handshake's last one. While `busy`, each call solves the puzzle for a bounded number of
   * tries (about 5 ms) and wants to be called again.
   */
  advance(now: bigint): Session | null;
  /** The puzzle is being solved: call `advance` again soon, without waiting for bytes. */
  readonly busy: boolean;
  takeOutput(): Uint8Array[];
  /**
   * Makes now what the peer's next packet will want, where the peer has to prove who it is: a listener agrees on keys and
   * signs its offer while the dialler is at its puzzle, a dialler makes the keys of the messages to come. For callers that
   * have nothing else to do, after their output is written: what is made is of no use where the peer doesn't go on. Not
   * needed; never throws.
   */
  workAhead(): void;
  /** Nobody goes on with it: its keys are given up and overwritten. Does nothing once it is over. */
  abandon(): void;
  /** Timeouts of the phases are the shell's (they are options of dial); this one is of a packet left incomplete. */
  nextTimeout(): bigint | null;
}

/** What a session counts of its packets. */
export interface SessionCounters {
  bytesSent: bigint;
  bytesReceived: bigint;
  packetsSent: bigint;
  packetsReceived: bigint;
  /** Packets since the last rekey: what pool_session_info.rekey_count really counts (kernel contract, section 3). */
  packetsSinceRekey: number;
  /** Messages without a byte, from the peer; counted and not delivered. */
  emptyMessages: number;
}

/** An established session. Never constructed but by a finished Handshake. */
export interface Session {
  readonly id: Uint8Array;
  readonly role: 'client' | 'server';
  readonly state: SessionStateName;
  /** Bytes from the peer, kept by reference until consumed, or until `detachInput`. */
  receive(chunk: Uint8Array): void;
  /** Copies what is held of the chunks: their memory is the caller's again. */
  detachInput(): void;
  /** The next event, or null when more bytes are needed or the session is over. Works off at most what one event needs. */
  next(now: bigint): SessionEvent | null;
  /** The peer's FIN: the next event is 'failed' with ERR_POOL_PEER_LOST, unless CLOSE came or the session is over. */
  receiveEnd(): void;
  /** The peer has not proved yet who it is: no message goes either way. Always false where no proof was asked for. */
  readonly authenticating: boolean;
  /** While the peer's next proof is awaited, after the output is written: makes what that will want. Not needed. */
  workAhead(): void;
  /** The answer to 'peer-proven'. No is a refusal. */
  decide(admitted: boolean, now: bigint): void;
  /** Ends the session with CLOSE, and with `error` on this side: the peer is told no reason. */
  refuse(error: PoolError, now: bigint): void;
  /** Queues one message, whole (above 65519 bytes as two fragments). Throws only for a wrong size or a session that is over. */
  sendMessage(channel: number, data: Uint8Array, now: bigint): void;
  /** Queues CLOSE. State CLOSING; what still comes is discarded, but for the checks that a lingering side makes. */
  close(now: bigint): void;
  /**
   * Nobody goes on with it: its keys are given up and overwritten. What `takeOutput` has of it is sealed already, and may still
   * be written; nothing more is read. Does nothing once it is over.
   */
  forget(): void;
  /** Whether `takeOutput` would give something. */
  readonly hasOutput: boolean;
  /** Bytes to write, in order. They stay as they are until `outputWritten` says that they are not needed any more. */
  takeOutput(): Uint8Array[];
  /** What the oldest `takeOutput` gave, of those not told of yet, has been written: its memory is used again. */
  outputWritten(): void;
  /** The next deadline in monotonic ns: heartbeat, rekey, fragments, liveness, old keys. */
  nextTimeout(): bigint | null;
  /** Acts on the deadlines that passed; events come out of `next`. */
  handleTimeout(now: bigint): void;
  /** While reading is paused the timers that judge the peer stand still. */
  pauseReading(now: bigint): void;
  resumeReading(now: bigint): void;
  telemetry(now: bigint, queueDepth: number): RawTelemetry;
  peerTelemetry(): RawTelemetry | null;
  /** What HEARTBEATs report as queue depth; set by the shell as it changes. */
  queueDepth: number;
  readonly counters: SessionCounters;
}
