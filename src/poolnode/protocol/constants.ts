/**
 * Every number of the protocol, once. First what the specification and pool.h fix (kernel contract, section 1; wire
 * protocol), then what this node chose. Units are in the names; times are nanoseconds.
 */

// ---- Specification constants -------------------------------------------------------------------------------------

export const PROTOCOL_VERSION = 1;
export const HEADER_BYTES = 80;
export const HMAC_BYTES = 32;
export const TAG_BYTES = 16;
export const KEY_BYTES = 32;
export const NONCE_BYTES = 12;
export const NONCE_PREFIX_BYTES = 4;
export const SESSION_ID_BYTES = 16;
export const CHANNELS = 256;

/** Of packets without a payload. */
export const NO_BYTES = new Uint8Array(0);

/** `payload_len` is a u16. */
export const MAX_PAYLOAD_BYTES = 65_535;
/** What one DATA packet carries over TCP once the tag is taken off. */
export const MAX_PACKET_PLAINTEXT_BYTES = MAX_PAYLOAD_BYTES - TAG_BYTES;
/** `total_len` of a fragment header is a u16. */
export const MAX_MESSAGE_BYTES = 65_535;
export const FRAGMENT_HEADER_BYTES = 8;

export const INIT_BYTES = 64;
export const CHALLENGE_BYTES = 98;
export const RESPONSE_BYTES = 64;
export const TELEMETRY_BYTES = 44;
/** A newer header appends state_digest (kernel contract, section 1). */
export const NEWER_TELEMETRY_BYTES = 48;

export const DEFAULT_MTU_BYTES = 1_400;
export const DEFAULT_DIFFICULTY_BITS = 8;
export const HEARTBEAT_INTERVAL_NS = 5_000_000_000n;
export const FRAGMENT_TIMEOUT_NS = 5_000_000_000n;
/** What a module asks of a session before it starts a REKEY; ours start earlier, see LIMITS. */
const MODULE_REKEY_PACKETS = 2 ** 28;

/** HKDF info strings, without terminating NUL. The third of the specification, `pool-seq-key`, has no use. */
export const SESSION_KEY_INFO = 'pool-session-key';
export const HMAC_KEY_INFO = 'pool-hmac-key';

export const PacketType = Object.freeze({
  Init: 0x0,
  Challenge: 0x1,
  Response: 0x2,
  Data: 0x3,
  Ack: 0x4,
  Heartbeat: 0x5,
  Rekey: 0x6,
  Close: 0x7,
  Config: 0x8,
  Rollback: 0x9,
  Discover: 0xa,
  Journal: 0xb,
  Integrity: 0xc,
  /** Of pool-ts: who the peer is. A node that doesn't know it ignores it. */
  Authentication: 0xf,
});

export const Flag = Object.freeze({
  None: 0,
  Encrypted: 1 << 0,
  Compressed: 1 << 1,
  Priority: 1 << 2,
  Fragment: 1 << 3,
  LastFragment: 1 << 4,
  RequireAck: 1 << 5,
  Telemetry: 1 << 6,
  RollbackReady: 1 << 7,
  ConfigLock: 1 << 8,
  JournalSync: 1 << 9,
});

// ---- Implementation constants ------------------------------------------------------------------------------------

/** All caps on what a peer can make this side hold or do. */
export const LIMITS = Object.freeze({
  /** Above this a CHALLENGE is refused: 2^20 hashes are about 2 s. */
  puzzleDifficultyBits: 20,
  /** Hashes in one step of the solver: about 5 ms. */
  puzzleTriesPerStep: 2_048,
  /** A solver that needs this many times the expected number of tries is being fooled (chance e^-64). */
  puzzleTriesFactor: 64,
  /** Payload of a packet that may overtake RESPONSE: nobody sends more before a session is established. */
  earlyPayloadBytes: 256,
  /** Packets that may overtake RESPONSE. */
  parkedPackets: 4,
  /** Messages in reassembly at a time, as the module's slots. */
  fragmentedMessages: 16,
  fragmentsPerMessage: 256,
  /** All reassembly of a session together. */
  reassemblyBytes: Math.floor(1.1 * 1_048_576),
  /** Answers to DISCOVER. */
  discoverRepliesPerSecond: 20,
  /** Answers to HEARTBEAT; a well-behaved peer wants one in 5 s. */
  heartbeatRepliesPerSecond: 100,
  /** Packets of types that this node does nothing with. A journal's replay fits, a flood does not. */
  ignoredPacketsBurst: 131_072,
  ignoredPacketsPerSecond: 4_096,
  /** REKEYs of the peer that are answered; a node of ours starts one in 50 minutes. */
  rekeysPerSecond: 2,
  rekeysBurst: 32,
  /** While this much output waits, no reply or HEARTBEAT is added to it. */
  controlBacklogBytes: 262_144,
  /** HEARTBEATs whose ACK is still awaited. */
  outstandingHeartbeats: 4,
  /** Sequence distance below which two ranges count as about to meet (wire protocol, Sequence numbers). */
  sequenceDistance: 1n << 33n,
  maxSequence: (1n << 64n) - 1n,
});

/** 0.9 of the module's own limit, so that ours is always the first (wire protocol, REKEY). */
export const REKEY_PACKETS = Math.floor(0.9 * MODULE_REKEY_PACKETS);
/** 50 minutes; the module's own is an hour. */
export const REKEY_INTERVAL_NS = 3_000_000_000_000n;
/** How long replaced keys are kept for packets under way. */
export const OLD_KEYS_NS = 20_000_000_000n;
export const DEAD_AFTER_NS = 20_000_000_000n;
export const PACKET_TIMEOUT_NS = 30_000_000_000n;
/** Between the expiry of a timer that judges the peer and the verdict: one turn in which the socket is read. */
export const VERDICT_GRACE_NS = 25_000_000n;
/** Window of the throughput figure. */
export const THROUGHPUT_WINDOW_NS = 5_000_000_000n;

/** Chunks below this are gathered while a packet is incomplete: a byte at a time must not cost an object a byte. */
export const GATHER_BELOW_BYTES = 512;
