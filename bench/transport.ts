/** What the benchmark asks of each transport, so that both are measured by the same few lines. */

/** One connection of the measuring side. */
export interface Client {
  /** Sends `messages` messages of `size` bytes, and settles when the peer says that all of them have arrived. */
  bulk(size: number, messages: number): Promise<void>;
  /** Sends `count` messages of `size` bytes, each when the one before has come back; seconds of each. */
  roundTrips(size: number, count: number): Promise<number[]>;
  /** Sends as many, with `window` of them under way at a time. */
  inFlight?(size: number, count: number, window: number): Promise<void>;
  /** As `bulk`, to a reader that stands still now and then. */
  bulkToPausing?(size: number, messages: number): Promise<void>;
  close(): Promise<void>;
}

/** What a measuring process is told to do. */
export interface Order {
  /** `dials`: `messages` times a connection, one echo and a close; `open`: so many connections more, which stay. */
  kind: 'bulk' | 'trips' | 'flight' | 'dials' | 'open' | 'spread' | 'together' | 'pausing';
  /** Bytes of a message. */
  size: number;
  messages: number;
  /** Of `flight`. */
  window?: number;
}

/** What any process of the benchmark is asked. */
export type Question = 'cpu' | 'memory' | 'peak';

/** What it answers: seconds, one number of a bulk transfer and one for each round trip, and its own seconds of CPU. */
export interface Answer {
  seconds: number[];
  cpu: number;
}

export interface Transport {
  /** Starts the peer that both measurements want; returns its port. */
  serve(): Promise<number>;
  connect(port: number): Promise<Client>;
}

/**
 * The peer's part, the same for both transports: a request of 9 bytes (kind, then a count), then what was asked for.
 * Kind 1: that many bytes come; answer one byte when they are here. Kind 2: as many come, and each message is sent back at once.
 * Kind 3: as kind 1, but read nothing for a moment now and then.
 */
export const BULK = 1;
export const ECHO = 2;
export const PAUSING = 3;
export const REQUEST_BYTES = 9;

export function request(kind: number, count: number): Buffer {
  const bytes = Buffer.alloc(REQUEST_BYTES);
  bytes.writeUInt8(kind, 0);
  bytes.writeBigUInt64BE(BigInt(count), 1);
  return bytes;
}

export function readRequest(bytes: Uint8Array): { kind: number; count: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { kind: view.getUint8(0), count: Number(view.getBigUint64(1)) };
}

/** Seconds that `run` takes. */
export async function timed(run: () => Promise<void>): Promise<number> {
  const start = process.hrtime.bigint();
  await run();
  return Number(process.hrtime.bigint() - start) / 1e9;
}

/** Seconds of CPU that this process has used. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
