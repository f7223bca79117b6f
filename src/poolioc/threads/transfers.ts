/**
 * What a thread does that makes many calls for one order: RECV after RECV into the ring, SEND after SEND out of it. Between
 * two of them nobody is asked and nothing is handed over.
 */
import { constants } from 'node:os';
import { Word, type CallMemory } from './call-memory.js';
import { MAX_PAYLOAD } from '../abi/constants.js';
import { POOL_IOC_RECV, POOL_IOC_SEND } from '../abi/ioctl.js';
import type { CallResult, Libc } from '../libc.js';
import { MOST_MESSAGES } from './message-ring.js';
import { offsetsOf, structs } from '../abi/structs.js';

const fields = offsetsOf(structs.SendReq);
const { EINTR } = constants.errno;
const STOPPED: CallResult = { ret: -1, errno: EINTR };

/** ms that a thread stays with a session that has nothing to send: longer than a round trip on the module, 88 ms. */
const SEND_IDLE_MS = 200;

/** What the thread is in, and whom it tells. */
export interface Run {
  id: number;
  stopped: () => boolean;
  /** The main thread looks into the ring. */
  news: () => void;
}

/**
 * RECV until one fails, `count` messages are there, or the order is stopped. The struct has the session, the channel and the
 * address of the data. @returns 0 where the count was reached
 */
export function makeReceives(
  { fd, count }: { fd: number; count: number },
  memory: CallMemory,
  libc: Libc,
  { stopped, news }: Run,
): CallResult {
  const { struct, messages } = memory;
  const data = struct.readBigUInt64LE(fields.dataPtr);
  for (let left = Math.min(count, MOST_MESSAGES); left > 0; ) {
    const at = messages.room();
    if (stopped()) return STOPPED;
    if (at < 0) {
      messages.waitForRoom();
      continue;
    }
    struct.writeUInt32LE(MAX_PAYLOAD, fields.len);
    struct.writeBigUInt64LE(data + BigInt(at), fields.dataPtr);
    const result = libc.ioctl(fd, POOL_IOC_RECV, struct);
    if (result.ret < 0) {
      // An interruption that nobody asked for.
      if (result.errno === EINTR && !stopped()) continue;
      return result;
    }
    if (messages.publish(struct.readUInt32LE(fields.len))) news();
    left -= 1;
  }
  return { ret: 0, errno: 0 };
}

/**
 * SEND of each message that comes into the ring, until one fails, none comes for a while, or the order is stopped. No SEND is
 * made again, and none follows one that failed (kernel contract, hazard 11). While it waits for messages the thread counts as
 * being in no call.
 * @returns how many were sent; `errno` is that of the one that failed, else 0
 */
export function makeSends(fd: number, memory: CallMemory, libc: Libc, { id, stopped, news }: Run): CallResult {
  const { words, struct, messages } = memory;
  const address = struct.readBigUInt64LE(fields.dataPtr);
  for (let sent = 0; ; ) {
    Atomics.store(words, Word.CALL, 0);
    if (!messages.await(sent, SEND_IDLE_MS, stopped)) return { ret: sent, errno: 0 };
    Atomics.store(words, Word.CALL, id);
    if (stopped()) return { ret: sent, errno: 0 };
    const { at, length, tag } = messages.entry(sent);
    struct.writeUInt8(tag, fields.channel);
    struct.writeUInt32LE(length, fields.len);
    struct.writeBigUInt64LE(address + BigInt(at), fields.dataPtr);
    const { ret, errno } = libc.ioctl(fd, POOL_IOC_SEND, struct);
    if (ret < 0) return { ret: sent, errno };
    sent += 1;
    if (messages.took(sent)) news();
  }
}
