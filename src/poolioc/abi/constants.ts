/** Every constant of pool.h (kernel contract, section 1), under TypeScript's conventions; the C name is in the docstring. */

/** `POOL_VERSION`: the protocol's version on the wire. */
export const VERSION = 1;
/** `POOL_VERSION_PQC`: hybrid post-quantum; accepted in a connect request and ignored. */
export const VERSION_PQC = 2;
/** `POOL_MAX_SESSIONS`: slots in the module's session table. */
export const MAX_SESSIONS = 64;
/** `POOL_MAX_CHANNELS`: channels of a session. */
export const MAX_CHANNELS = 256;
/** `POOL_MAX_PAYLOAD`: bytes; the largest len of SEND and RECV. */
export const MAX_PAYLOAD = 65535;
/** `POOL_LISTEN_PORT`: the default TCP port. */
export const DEFAULT_PORT = 9253;
/** `POOL_DEFAULT_MTU`, bytes. */
export const DEFAULT_MTU = 1400;
/** `POOL_MIN_MTU`, bytes. */
export const MIN_MTU = 512;
/** `POOL_HEADER_SIZE`, bytes. */
export const HEADER_SIZE = 80;
/** `POOL_HEARTBEAT_SEC`, seconds. */
export const HEARTBEAT_SECONDS = 5;
/** `POOL_FRAG_TIMEOUT_SEC`, seconds. */
export const FRAGMENT_TIMEOUT_SECONDS = 5;
/** `POOL_MAX_FRAGS`: messages in reassembly at a time. */
export const REASSEMBLY_SLOTS = 16;
/** `POOL_REKEY_PACKETS`: packets after which a session rekeys. */
export const REKEY_PACKETS = 2 ** 28;
/** `POOL_REKEY_SEC`, seconds. */
export const REKEY_SECONDS = 3600;
/** `POOL_PUZZLE_DIFFICULTY`, leading zero bits. */
export const PUZZLE_DIFFICULTY = 8;
/** `POOL_IP_PROTO`: the IP protocol number of the raw transport. */
export const IP_PROTOCOL = 253;
/** `POOL_LISTEN_BACKLOG`. */
export const LISTEN_BACKLOG = 128;

/** `POOL_KEY_SIZE`: bytes of a key. */
export const KEY_SIZE = 32;
/** `POOL_HMAC_SIZE`: bytes of an HMAC-SHA256. */
export const HMAC_SIZE = 32;
/** `POOL_SESSION_ID_SIZE`: bytes. */
export const SESSION_ID_SIZE = 16;
/** `POOL_ADDR_SIZE`: bytes of a pool_address. */
export const ADDRESS_SIZE = 32;
/** Bytes of POOL_CHANNEL_LIST's bitmap: bit c of byte c/8. */
export const CHANNEL_BITMAP_SIZE = 32;

/** `AF_INET6` of Linux: the only family that CONNECT may be given (kernel contract, hazard 1). */
export const AF_INET6 = 10;
/** `AF_INET` of Linux. Dialling with it crashes the module (hazard 1). */
export const AF_INET = 2;

/** `POOL_PKT_*`: packet types. */
export const PacketType = {
  INIT: 0x0,
  CHALLENGE: 0x1,
  RESPONSE: 0x2,
  DATA: 0x3,
  ACK: 0x4,
  HEARTBEAT: 0x5,
  REKEY: 0x6,
  CLOSE: 0x7,
  CONFIG: 0x8,
  ROLLBACK: 0x9,
  DISCOVER: 0xa,
  JOURNAL: 0xb,
  /** Newer trees only. */
  INTEGRITY: 0xc,
} as const;

/** `POOL_FLAG_*`: header flags. */
export const PacketFlag = {
  ENCRYPTED: 1 << 0,
  COMPRESSED: 1 << 1,
  PRIORITY: 1 << 2,
  FRAGMENT: 1 << 3,
  LAST_FRAG: 1 << 4,
  REQUIRE_ACK: 1 << 5,
  TELEMETRY: 1 << 6,
  ROLLBACK_RDY: 1 << 7,
  CONFIG_LOCK: 1 << 8,
  JOURNAL_SYNC: 1 << 9,
} as const;

/** `POOL_STATE_*`: session states, as pool_session_info.state has them. */
export const SessionState = {
  IDLE: 0,
  INIT_SENT: 1,
  CHALLENGED: 2,
  ESTABLISHED: 3,
  REKEYING: 4,
  CLOSING: 5,
} as const;

/** `POOL_ERR_*`: error codes on the wire. */
export const WireError = {
  AUTH_FAIL: 0x1,
  DECRYPT_FAIL: 0x2,
  SEQ_INVALID: 0x3,
  FRAG_TIMEOUT: 0x4,
  MTU_EXCEEDED: 0x5,
  CONFIG_REJECT: 0x6,
  REKEY_FAIL: 0x7,
  JOURNAL_FULL: 0x8,
  OVERLOAD: 0x9,
  VERSION_MISMATCH: 0xa,
} as const;

/** `POOL_JOURNAL_*`: change types of a journal entry. */
export const JournalChange = {
  CONNECT: 1,
  DISCONNECT: 2,
  CONFIG: 3,
  REKEY: 4,
  ERROR: 5,
  DATA: 6,
} as const;

/** `POOL_CHAN_*`: operations of POOL_IOC_CHANNEL. */
export const ChannelOperation = {
  SUBSCRIBE: 1,
  UNSUBSCRIBE: 2,
  LIST: 3,
} as const;

/** `POOL_TRANSPORT_*`. */
export const Transport = {
  TCP: 0,
  RAW: 1,
  AUTO: 2,
} as const;

/**
 * Added to the index of CLOSE_SESS: ends the session without CLOSE, so that its peer sees it lost. A device that pool-ts
 * serves knows this bit; pool.h does not, and the module answers EINVAL, as to every index above 63.
 */
export const CLOSE_ABORT = 0x8000_0000;

/**
 * An operation of CHANNEL that waits until the session table has changed: a session came, ended or went, or a port was opened
 * or closed. With {@link TABLE_CHANGE_MESSAGES} in `channel` also until a message came that no RECV waits for. `data_ptr` is the number of the change that the caller knows, 0 for
 * none, and of the last one when it comes back; `result` is the listening port then, or 0. A device that pool-ts serves
 * answers it, but not as the module; pool.h has none such, and the module answers EINVAL or ENOENT.
 */
export const CHANNEL_TABLE_CHANGE = 0x81;
/** Of {@link CHANNEL_TABLE_CHANGE}: who receives from many sessions by few calls wants to know of messages, too. */
export const TABLE_CHANGE_MESSAGES = 1;

/**
 * An operation of CHANNEL that asks for both ends of a session's connection, the local one first: for each 16 bytes of
 * address, and the port in two more. A device that pool-ts serves answers it, but not as the module; pool.h has none such, and
 * the module answers EINVAL.
 */
export const CHANNEL_ENDS = 0x82;

/** Bytes of one end in the answer to {@link CHANNEL_ENDS}: the address, and the port in host byte order. */
export const END_BYTES = 18;

/**
 * An operation of CHANNEL that gives the device rings of the caller's memory, through which messages of a session travel
 * without SEND and RECV (docs/kernel-contract.md, section 5). `channel` is the layout, 1; `result` the first
 * four bytes of the session's id, so that no other session's slot is meant; `data_ptr` two descriptors of the caller's: that of the
 * memory in the lower 32 bits, one of a pair of sockets in the upper ones. A device that pool-ts serves answers it for programs of
 * its own user and root's, but not as the module; pool.h has none such, and the module answers EINVAL.
 */
export const CHANNEL_RINGS = 0x83;
