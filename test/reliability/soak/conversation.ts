/** One side of a life: what it sends, what it must receive, and how it ends. */
import { createCipheriv } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import type { Conn, Flow } from '../../../src/index.js';
import { PoolError } from '../../../src/index.js';
import { generator } from '../../generator.js';
import type { Life, Side } from './life.js';
import { FRAME_BYTES, open, seal, Wrong } from './message.js';

/** What a side has seen; added to as it goes. */
export interface Seen {
  messages: number;
  bytes: number;
  /** Reads and writes that were cancelled or timed out. */
  cancelled: number;
  /** Of a message that came, ms since it was written. */
  delay(ms: number): void;
}

const CONTENTS = createCipheriv('aes-128-ctr', Buffer.alloc(16, 7), Buffer.alloc(16)).update(Buffer.alloc(131_072));

/**
 * Sends and receives `messages` messages on each channel of the life, each way, in order, and ends as the life says. Fulfils
 * when all of them have come and the connection has ended by CLOSE. `middle` is called when the life's fault is due.
 * @throws (rejects) Wrong, or what the connection failed with
 */
export async function converse(
  conn: Conn,
  life: Life,
  side: Side,
  messages: number,
  seen: Seen,
  middle: () => void = () => undefined,
): Promise<void> {
  const over = new AbortController();
  const other: Side = side === 'client' ? 'server' : 'client';
  const random = generator(Math.imul(life.number, 2) + (side === 'client' ? 0 : 1));
  const faultAt = Math.floor(life.after * messages);
  const flows = await Promise.all(
    life.channels.map(async (number): Promise<Flow> => (number === 0 ? conn : conn.openChannel(number))),
  );
  // A call that was stopped has done nothing (docs, deadlines and cancellation): it is made again, once without a limit.
  const stoppable = async <T>(flow: Flow, call: (signal?: AbortSignal) => Promise<T>, reading: boolean): Promise<T> => {
    if (random() >= life.cancelled) return call();
    const ms = random() * 30;
    const signal = random() < 0.5 ? AbortSignal.timeout(Math.ceil(ms)) : undefined;
    const deadline = (at: number | null): void => (reading ? flow.setReadDeadline(at) : flow.setWriteDeadline(at));
    if (signal === undefined) deadline(Date.now() + ms);
    try {
      return await call(signal);
    } catch (error) {
      const stopped = signal === undefined ? (error as PoolError).code === 'ERR_POOL_TIMEOUT' : error === signal.reason;
      if (!stopped) throw error;
      seen.cancelled += 1;
    } finally {
      if (signal === undefined) deadline(null);
    }
    return call();
  };
  const send = async (flow: Flow, channel: number): Promise<void> => {
    for (let index = 0; index < messages; index++) {
      if (channel === 0 && index === faultAt) {
        if (life.end === 'destroy' && life.by === side) conn.destroy();
        else middle();
      }
      const size = Math.floor(random() * (random() < 0.05 ? conn.maxMessageSize - FRAME_BYTES : life.usualBytes));
      const from = Math.floor(random() * (CONTENTS.length - size));
      const place = { life: life.number, channel, from: side, index };
      const message = seal(place, index === messages - 1, CONTENTS.subarray(from, from + size), performanceNow());
      await stoppable(flow, (signal) => flow.writeMessage(message, { signal }), false);
      await sleep(random() * 2 * life.pace, undefined, { signal: over.signal });
    }
  };
  const receive = async (flow: Flow, channel: number): Promise<void> => {
    for (let index = 0, last = false; !last; index++) {
      const message = await stoppable(flow, (signal) => flow.readMessage({ signal }), true);
      if (message === null) throw new Wrong(`life ${life.number}, channel ${channel}: ended after ${index} messages`);
      const opened = open(message, { life: life.number, channel, from: other, index });
      ({ last } = opened);
      seen.messages += 1;
      seen.bytes += message.length;
      seen.delay(performanceNow() - opened.sentAt);
      if (last !== (index === messages - 1)) throw new Wrong(`life ${life.number}: ${index} is not the last message`);
    }
  };
  const work = flows.flatMap((flow, index) => [send, receive].map((task) => task(flow, life.channels[index]!)));
  try {
    await Promise.all(work);
    if (life.by !== side && (await conn.readMessage()) !== null) throw new Wrong(`life ${life.number}: a message more`);
    await conn.close();
  } catch (error) {
    conn.destroy();
    // An orderly end in the middle is a loss, whether a reader sees it first or a writer, to whom it is an error like others.
    if (!(error instanceof Wrong) && (await conn.closed).by === 'remote') {
      throw new Wrong(`life ${life.number}: the other side closed it before all was said`);
    }
    throw error;
  } finally {
    over.abort();
    await Promise.allSettled(work);
  }
}

/** ms of the clock that the processes of a machine share. */
function performanceNow(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** What a life may end with that was to have a fault, or whose peer may be killed. Anything else is wrong. */
const LOST = new Set([
  'ERR_POOL_PEER_LOST',
  'ERR_POOL_AUTH_FAILED',
  'ERR_POOL_PROTOCOL',
  'ERR_POOL_TIMEOUT',
  'ERR_POOL_CLOSED',
  'ERR_POOL_NOT_ESTABLISHED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
]);

/** What is wrong with this end of a life, or null. @param peaceful neither a fault nor a kill may have ended it */
export function wrongEnd(error: unknown, peaceful: boolean): string | null {
  if (error instanceof PoolError && LOST.has(error.code) && !peaceful) return null;
  if (error instanceof Wrong) return error.message;
  return `${peaceful ? 'a life without a fault ended' : 'ended'} with ${inspect(error)}`;
}
