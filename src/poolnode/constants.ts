/** Every number of the node's shell once. Those of the wire are in protocol/. */
import { DEFAULT_DIFFICULTY_BITS } from './protocol/constants.js';

/** Slots of a node that was not told otherwise. */
export const DEFAULT_MAX_SESSIONS = 1024;

/** A table that no machine's file descriptors could fill: guards against a slip of the pen, not against use. */
export const LARGEST_SESSION_TABLE = 1 << 20;

/** Times of a dial, ms: the module's own (wire protocol, handshake). */
export const CONNECT_TIMEOUT_MS = 10_000;
export const CHALLENGE_TIMEOUT_MS = 10_000;
export const COMPLETION_TIMEOUT_MS = 30_000;

/** How often a dial starts over when the peer's random sequence base came too near to ours; each try is a fresh draw. */
export const MAX_DIAL_TRIES = 3;

/** Limits on connections that have proved nothing yet. */
export const HANDSHAKE_LIMITS = Object.freeze({
  /** Handshakes in progress: from one source, and in all. */
  pendingPerSource: 16,
  pending: 256,
  /** ms from TCP's accept to the proof. */
  timeout: 10_000,
  /** With more than this many pending, sources are rationed and puzzles get harder. */
  busyAbove: 64,
  /** Handshakes a second that one source may start while the node is busy, and how many at once. */
  rate: 20,
  burst: 5,
  /** Leading zero bits asked of a puzzle. The module gives up after 10^6 tries: at 16 bits it fails once in 4 million. */
  difficulty: DEFAULT_DIFFICULTY_BITS,
  busyDifficulty: 16,
});
export type HandshakeLimits = { readonly [K in keyof typeof HANDSHAKE_LIMITS]: number };

/** Bytes: a sender is asked to wait above the first, and told to go on at the second. */
export const WRITE_HIGH_WATER = 256 * 1024;
export const WRITE_LOW_WATER = 64 * 1024;

/** Bytes gathered in one tick that go to the socket without waiting for the tick's end: beyond it batching gains nothing. */
export const WRITE_BATCH = 128 * 1024;

/** ms that `close` waits for the peer to take what was sent. */
export const CLOSE_TIMEOUT_MS = 5000;

/** ms that a closed socket is read on and discarded, waiting for the peer's FIN. */
export const LINGER_MS = 1000;

/** ms of not reading after which a module peer is in danger of breaking its session (its send gives up at 10 s). */
export const STALLED_AFTER_MS = 8000;

/** Bytes of one message: what the device's SEND takes. Above 65519 it travels as two fragments. */
export { MAX_MESSAGE_BYTES as MAX_MESSAGE_SIZE } from './protocol/constants.js';
