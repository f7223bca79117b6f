/** `pool-ts bench`: the side that measures. */
import type { Conn } from '../../index.js';
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-codes.js';
import { Latencies } from './latencies.js';
import { filled, FINISH, HELLO, KIND, readReport, WELCOME } from './protocol.js';

/** What measuring needs of a Conn. */
export type Measured = Pick<Conn, 'readMessage' | 'writeMessage' | 'writeMessages' | 'remoteAddr' | 'setReadDeadline'>;

export interface Throughput {
  /** Bytes of a message. */
  size: number;
  messages: number;
  bytes: number;
  /** From the first message until the peer said that the last one had arrived. */
  seconds: number;
  bytesPerSecond: number;
  messagesPerSecond: number;
}

/** µs. */
export interface RoundTrips {
  size: number;
  count: number;
  perSecond: number;
  min: number | null;
  mean: number | null;
  p50: number | null;
  p90: number | null;
  p99: number | null;
  max: number | null;
}

export interface MeasureOptions {
  /** Bytes of a message. */
  size: number;
  ms: number;
  signal: AbortSignal;
}

/** ms that a peer has to say that it is one of ours. */
const HELLO_TIMEOUT_MS = 5000;
/** ms without an answer after which the peer is given up. A slow link may hold a while of data. */
const ANSWER_TIMEOUT_MS = 30_000;
/** Bytes given to one call: enough to keep the socket busy, few enough to stay within the queue. */
const BATCH_BYTES = 512 * 1024;

/** Asks the peer whether it is `pool-ts bench --listen`: rejects with one line where it is something else. */
export async function greet(conn: Measured, signal: AbortSignal, timeoutMs = HELLO_TIMEOUT_MS): Promise<void> {
  const who = conn.remoteAddr.toString();
  const should = 'the peer has to run pool-ts bench --listen';
  conn.setReadDeadline(Date.now() + timeoutMs);
  await conn.writeMessage(HELLO, { signal });
  const answer = await answered(conn, signal, `${who} does not answer within ${timeoutMs / 1000} s; ${should}`);
  if (answer === null) throw new CliError(EXIT.PROTOCOL, `${who} closed the session; ${should}`);
  if (!WELCOME.equals(answer)) throw new CliError(EXIT.PROTOCOL, `${who} answers something else; ${should}`);
}

/** Sends as much as goes in `ms`. */
export async function throughput(conn: Measured, { size, ms, signal }: MeasureOptions): Promise<Throughput> {
  const message = filled(KIND.DATA, size);
  const batch = new Array<Uint8Array>(Math.max(1, Math.floor(BATCH_BYTES / size))).fill(message);
  let messages = 0;
  const start = performance.now();
  // Two calls under way: the next batch waits behind this one, so that the socket never runs dry.
  let before: Promise<void> = Promise.resolve();
  while (performance.now() - start < ms && !signal.aborted) {
    const now = conn.writeMessages(batch, { signal });
    now.catch(() => undefined); // it is awaited in the next turn
    await before;
    before = now;
    messages += batch.length;
  }
  await before;
  conn.setReadDeadline(Date.now() + ANSWER_TIMEOUT_MS);
  await conn.writeMessage(FINISH, { signal });
  const received = readReport(await reply(conn, signal));
  const seconds = (performance.now() - start) / 1000;
  if (received === null) throw new CliError(EXIT.PROTOCOL, `${conn.remoteAddr.toString()} sent no report`);
  const bytes = messages * size;
  if (received.messages !== messages || received.bytes !== bytes) {
    const text = `${conn.remoteAddr.toString()} got ${received.messages} messages of ${messages}, ${received.bytes} bytes of ${bytes}`;
    throw new CliError(EXIT.DATA, text);
  }
  return { size, messages, bytes, seconds, bytesPerSecond: bytes / seconds, messagesPerSecond: messages / seconds };
}

/** Sends one message after the other, each when the one before has come back, for `ms`. */
export async function roundTrips(conn: Measured, { size, ms, signal }: MeasureOptions): Promise<RoundTrips> {
  const message = filled(KIND.ECHO, size);
  const latencies = new Latencies();
  // One for all of them: a timer for each would be measured as well.
  conn.setReadDeadline(Date.now() + ms + ANSWER_TIMEOUT_MS);
  const start = performance.now();
  do {
    const sent = process.hrtime.bigint();
    const [, echo] = await Promise.all([conn.writeMessage(message, { signal }), reply(conn, signal)]);
    latencies.add(Number(process.hrtime.bigint() - sent));
    if (!message.equals(echo)) {
      throw new CliError(EXIT.DATA, `${conn.remoteAddr.toString()} sent back something else than it got`);
    }
  } while (performance.now() - start < ms);
  const seconds = (performance.now() - start) / 1000;
  const [min, p50, p90, p99, max] = [0, 50, 90, 99, 100].map((percent) => latencies.percentile(percent) ?? null);
  return {
    size,
    count: latencies.count,
    perSecond: latencies.count / seconds,
    min: min!,
    mean: latencies.mean,
    p50: p50!,
    p90: p90!,
    p99: p99!,
    max: max!,
  };
}

/** The next message of the phase that `deadline` bounds; rejects where the peer closed. */
async function reply(conn: Measured, signal: AbortSignal): Promise<Uint8Array> {
  const message = await answered(conn, signal, `${conn.remoteAddr.toString()} has stopped answering`);
  if (message === null) throw new CliError(EXIT.FAILURE, `${conn.remoteAddr.toString()} closed the session`);
  return message;
}

/** The next message; null where the peer closed; at the read deadline an error that says `late`. */
async function answered(conn: Measured, signal: AbortSignal, late: string): Promise<Uint8Array | null> {
  try {
    return await conn.readMessage({ signal });
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_POOL_TIMEOUT') throw error;
    throw new CliError(EXIT.TEMPORARY, late, { cause: error });
  }
}
