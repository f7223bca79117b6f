/** Every number of the node's shell once. Those of the wire are in protocol/. */
import { LONGEST_TIMER_MS } from '../base/timers.js';
import { DEFAULT_DIFFICULTY_BITS, LIMITS } from './protocol/constants.js';
import type { HandshakeLimits } from './types.js';

/** Slots of a node that was not told otherwise. */
export const DEFAULT_MAX_SESSIONS = 1024;

/** The part of the table that one address may fill with sessions that it dialled, unless a listener is told otherwise. */
export const SHARE_OF_ONE_ADDRESS = 3 / 4;

/** A table that no machine's file descriptors could fill: guards against a slip of the pen, not against use. */
export const LARGEST_SESSION_TABLE = 1 << 20;

/**
 * Times of a dial, ms: the module's own (wire protocol, Handshake), but for CHALLENGE, which a listener of ours may give
 * only after `queueTimeout`.
 */
export const CONNECT_TIMEOUT_MS = 10_000;
export const CHALLENGE_TIMEOUT_MS = 30_000;
export const COMPLETION_TIMEOUT_MS = 30_000;
/** ms from the first packet of a peer that must prove who it is, decision included. */
export const AUTHENTICATION_TIMEOUT_MS = 10_000;

/** How often a dial starts over when the peer's random sequence base came too near to ours; each try is a fresh draw. */
export const MAX_DIAL_TRIES = 3;

/** Limits of a listener that was told no others; what each means stands at {@link HandshakeOptions}. */
export const HANDSHAKE_LIMITS = Object.freeze({
  pending: 1024,
  started: 256,
  startedPerAddress: 16,
  queueTimeout: 20_000,
  initTimeout: 10_000,
  minInitTimeout: 1000,
  timeout: 10_000,
  minTimeout: 3000,
  busyAbove: 64,
  rate: 20,
  burst: 5,
  difficulty: DEFAULT_DIFFICULTY_BITS,
  /** The module gives up after 10^6 tries: at 16 bits it fails once in 4 million. */
  busyDifficulty: 16,
}) satisfies HandshakeLimits;

const COUNT = [1, LARGEST_SESSION_TABLE] as const;
const DELAY = [1, LONGEST_TIMER_MS] as const;
const BITS = [0, LIMITS.puzzleDifficultyBits] as const;

/** Least and most of each limit. */
export const HANDSHAKE_RANGES: Readonly<Record<keyof HandshakeLimits, readonly [least: number, most: number]>> = {
  pending: COUNT,
  started: COUNT,
  startedPerAddress: COUNT,
  queueTimeout: DELAY,
  initTimeout: DELAY,
  minInitTimeout: DELAY,
  timeout: DELAY,
  minTimeout: DELAY,
  busyAbove: [0, LARGEST_SESSION_TABLE],
  rate: COUNT,
  burst: COUNT,
  difficulty: BITS,
  busyDifficulty: BITS,
};

/** Bytes: a sender is asked to wait above the first, and told to go on at the second. */
export const WRITE_HIGH_WATER = 256 * 1024;
export const WRITE_LOW_WATER = 64 * 1024;

/** Bytes gathered in one tick that go to the socket without waiting for the tick's end: beyond it batching gains nothing. */
export const WRITE_BATCH = 128 * 1024;

/**
 * Messages of one tick that go to a socket which holds nothing, without waiting for the tick's end: the peer opens them while
 * more are sealed. Each further batch of the tick is twice the one before, so that many messages still take few writes.
 */
export const FIRST_WRITE_MESSAGES = 8;

/** ms after which a session ends that reads nothing, and of whose output the socket took no byte. */
export const WRITE_STALL_TIMEOUT_MS = 60_000;

/** ms that `close` waits for the peer to take what was sent. */
export const CLOSE_TIMEOUT_MS = 5000;

/** ms that a closed socket is read on and discarded, waiting for the peer's FIN. */
export const LINGER_MS = 1000;

/** ms between two looks whether a peer that reads slowly still lives: a bit more than lies between two of its HEARTBEATs. */
export const SLOW_READER_LOOK_MS = 6000;
/** ms that a closed socket waits for such a peer at most, and how many of a process do so at a time. */
export const SLOW_READER_MS = 60_000;
export const MOST_SLOW_READERS = 64;

/** ms of not reading after which a module peer is in danger of breaking its session (its send gives up at 10 s). */
export const STALLED_AFTER_MS = 8000;

/** Bytes of one message: what the device's SEND takes. Above 65519 it travels as two fragments. */
export { MAX_MESSAGE_BYTES as MAX_MESSAGE_SIZE } from './protocol/constants.js';
