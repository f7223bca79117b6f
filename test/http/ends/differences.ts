/** Where a stream of POOL is meant to differ from a net.Socket: what each end sees of it, and why. */
export interface Difference {
  why: string;
  /** Net itself sees now this and now that. */
  chance?: true;
  pool: Record<string, readonly string[]>;
}

const NO_HALF_CLOSE =
  'the wire has no half close: end() closes both directions, so no end of the peer follows, and what it still sends, or ' +
  'what came and was not read, is dropped; a reader learns that it was cut off by a close without an end';

const CUT_OFF = 'a write that destroy() cut off says so, where net reports success';

const RESETS =
  'resetAndDestroy() tells of a lost peer also where something was sent just before, or is being sent; of TCP it depends on ' +
  'what the system has sent by then, and may be an end';

const KEEPS_INPUT = "a write that comes too late doesn't cost what the peer said before, which net drops";

const NO_RESET_BY_CHANCE =
  'the system resets a TCP connection that is closed with input unread, and drops unread input at a reset, depending on ' +
  'what Node has read ahead by then; a session of POOL does neither';

const NOT_A_HANDLE =
  "TLS takes a stream that is no net.Socket through a wrapper of Node's, which tells no finish when the other was first";

export const DIFFERENCES: Readonly<Record<string, Difference>> = {
  'end(), the peer reads': {
    why: NO_HALF_CLOSE,
    pool: { a: ['finish', 'close'], b: ['data "bye"', 'end', 'finish', 'close'] },
  },
  'end(), the peer is paused and goes on later': {
    why: NO_HALF_CLOSE,
    pool: { a: ['finish', 'close'], b: ['data "bye"', 'end', 'finish', 'close'] },
  },
  'end(), the peer has no reader yet': {
    why: NO_HALF_CLOSE,
    pool: { a: ['finish', 'close'], b: ['data "bye"', 'end', 'finish', 'close'] },
  },
  'end(), and nobody reads': {
    why: NO_HALF_CLOSE,
    pool: { a: ['finish', 'close'], b: ['end', 'finish', 'close'] },
  },
  'end() behind more than the peer takes at once': {
    why: NO_HALF_CLOSE,
    pool: { a: ['finish', 'close'], b: ['data of 8388608 bytes', 'end', 'finish', 'close'] },
  },
  'end() with input unread': {
    why: NO_HALF_CLOSE,
    pool: { a: ['finish', 'close'], b: ['written', 'end', 'finish', 'close'] },
  },
  'end() while the peer still sends': {
    why: NO_HALF_CLOSE,
    pool: { a: ['finish', 'close'], b: ['end', 'written EPIPE', 'error EPIPE', 'close'] },
  },
  'both end() at once': { why: NO_HALF_CLOSE, pool: { a: ['finish', 'close'], b: ['finish', 'close'] } },
  'a pipeline into the socket': {
    why: NO_HALF_CLOSE,
    pool: { a: ['finish', 'pipeline', 'close'], b: ['data "onetwothree"', 'end', 'finish', 'close'] },
  },
  'an echo, ended by the other': {
    why: NO_HALF_CLOSE,
    pool: { a: ['written', 'data "echo"', 'finish', 'close'], b: ['end', 'finish', 'close'] },
  },
  'a write after the end() that came, with input unread': {
    why: NO_HALF_CLOSE,
    pool: { a: ['finish', 'close'], b: ['written', 'data "goodbye"', 'end', 'finish', 'close'] },
  },
  'an end() after the end() that came, with input unread': {
    why: NO_HALF_CLOSE,
    pool: { a: ['finish', 'close'], b: ['finish', 'data "goodbye"', 'end', 'close'] },
  },
  'a destroy() after the end() that came, with input unread': {
    why: NO_HALF_CLOSE,
    pool: { a: ['finish', 'close'], b: ['close'] },
  },
  'destroy() with input unread': {
    why: NO_RESET_BY_CHANCE,
    chance: true,
    pool: { a: ['close'], b: ['written', 'end', 'finish', 'close'] },
  },
  'resetAndDestroy(), the peer has input that it has not read': {
    why: NO_RESET_BY_CHANCE,
    chance: true,
    pool: { a: ['written', 'close'], b: ['data "unread"', 'error ECONNRESET', 'close'] },
  },
  'destroy() with more unsent than the peer takes at once': {
    why: CUT_OFF,
    pool: { a: ['written ERR_POOL_CLOSED', 'close'], b: ['end', 'finish', 'close'] },
  },
  'two writes after the destroy() that came, with input unread': {
    why: KEEPS_INPUT,
    pool: {
      a: ['close'],
      b: ['written', 'data "goodbye"', 'end', 'written again EPIPE', 'error EPIPE', 'close'],
    },
  },
  'tls: the client ends': {
    why: NO_HALF_CLOSE,
    pool: { client: ['finish', 'close'], server: ['data "bye"', 'end', 'close'] },
  },
  'tls: the server ends': {
    why: NO_HALF_CLOSE,
    pool: { client: ['data "bye"', 'end', 'close'], server: ['finish', 'close'] },
  },
  'tls: the client is destroyed': { why: NOT_A_HANDLE, pool: { client: ['close'], server: ['end', 'close'] } },
  'tls: the server is destroyed': { why: NOT_A_HANDLE, pool: { client: ['end', 'close'], server: ['close'] } },
  "tls: the client's connection is reset": {
    why: RESETS,
    chance: true,
    pool: { client: ['close'], server: ['error ECONNRESET', 'close'] },
  },
  "tls: the client's connection is destroyed": {
    why: NOT_A_HANDLE,
    pool: { client: ['close'], server: ['end', 'close'] },
  },
  'tls: the client ends behind much, and the server is slow': {
    why: NO_HALF_CLOSE,
    pool: { client: ['finish', 'close'], server: ['data of 1048576 bytes', 'end', 'close'] },
  },
  'http: the server resets in the middle of its answer': {
    why: RESETS,
    chance: true,
    pool: {
      client: [
        'status 200',
        'data "part"',
        'request error ECONNRESET',
        'response aborted',
        'response error ECONNRESET',
      ],
      server: ['request aborted', 'response close', 'request error ECONNRESET'],
    },
  },
  'an end() twice, with what the second has to say': {
    why: NO_HALF_CLOSE,
    pool: { a: ['ended again', 'finish', 'close'], b: ['data "bye"', 'end', 'finish', 'close'] },
  },
  'an end() whose callback comes after a destroy()': {
    why: CUT_OFF,
    pool: { a: ['ended ERR_POOL_CLOSED', 'close'], b: ['data "bye"', 'end', 'finish', 'close'] },
  },
  'a destroy() while the peer still sends': {
    why: NO_RESET_BY_CHANCE,
    chance: true,
    pool: { a: ['close'], b: ['end', 'written EPIPE', 'error EPIPE', 'close'] },
  },
  'resetAndDestroy() right after a write': {
    why: RESETS,
    chance: true,
    pool: { a: ['close'], b: ['error ECONNRESET', 'close'] },
  },
  'resetAndDestroy() with more unsent than the peer takes at once': {
    why: RESETS,
    chance: true,
    pool: { a: ['written ERR_POOL_CLOSED', 'close'], b: ['error ECONNRESET', 'close'] },
  },
  'resetAndDestroy() behind an end()': {
    why: RESETS,
    chance: true,
    pool: { a: ['close'], b: ['error ECONNRESET', 'close'] },
  },
};
