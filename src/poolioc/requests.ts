/** The requests of pool.h, and those that a device served by pool-ts knows besides: each a record for the worker threads. */
import type { Bytes, CopyBytes } from '../base/bytes.js';
import {
  CHANNEL_BITMAP_SIZE,
  CHANNEL_ENDS,
  CHANNEL_RINGS,
  CHANNEL_TABLE_CHANGE,
  END_BYTES,
  MAX_PAYLOAD,
  TABLE_CHANGE_MESSAGES,
} from './abi/constants.js';
import type { CallMemory } from './threads/call-memory.js';
import type { ThreadRequest } from './threads/thread-request.js';
import * as numbers from './abi/ioctl.js';
import type { KernelThread } from './closing/kernel-thread.js';
import type { OpenFile } from './libc.js';
import { askForTable, takeTable, type SessionTableRead } from './threads/read-table.js';
import { offsetsOf, structs } from './abi/structs.js';
import { SEGMENT_LAYOUT } from './rings/segment.js';
import type { MessageRing } from './threads/message-ring.js';
import type { CheckedConnect } from './arguments.js';
import type { SyscallRequest } from './threads/worker-messages.js';
import type { SignalLibc } from './threads/worker-thread.js';

const connectReq = offsetsOf(structs.ConnectReq);
const transferReq = offsetsOf(structs.SendReq);
const channelReq = offsetsOf(structs.ChannelReq);

/** What SEND and RECV are told of a message. */
export interface MessageAddress {
  sessionIdx: number;
  channel: number;
  flags: number;
}

/** By default with a struct, and made again after an interruption that nobody asked for, of which nothing is told then. */
function ioctl(
  fd: number,
  request: number,
  { argument = true, retry = true, thread }: { argument?: boolean; retry?: boolean; thread?: KernelThread } = {},
): SyscallRequest {
  return { kind: 'ioctl', fd, request, argument, retry, ...(thread === undefined ? {} : { thread }) };
}

/** The descriptor, and what it is open on. `late` gets a descriptor that nobody waits for any more. */
export function open(path: string, late: (fd: number) => void): ThreadRequest<{ fd: number; file: OpenFile }> {
  return {
    threads: 'control',
    call: { kind: 'open', path },
    take: (_, { ret, file }) => ({ fd: ret, file: file! }),
    late: (_, { ret }) => late(ret),
  };
}

/** Whatever close gives, the descriptor is gone: Linux frees it first. */
export function close(fd: number): ThreadRequest<void> {
  return { threads: 'control', call: { kind: 'close', fd } };
}

/** LISTEN. */
export function listen(fd: number, port: number): ThreadRequest<void> {
  return {
    threads: 'control',
    call: ioctl(fd, numbers.POOL_IOC_LISTEN),
    fill: ({ struct }) => struct.writeUInt16LE(port),
  };
}

/** STOP: as CLOSE_SESS, among those whose thread stands ready. */
export function stop(fd: number): ThreadRequest<void> {
  return { threads: 'close', call: ioctl(fd, numbers.POOL_IOC_STOP, { argument: false }) };
}

/** CONNECT: the session's index. `late` gets that of a session which nobody waits for any more. */
export function connect(
  fd: number,
  { peerAddr, peerPort, addrFamily, poolVersion }: CheckedConnect,
  late: (index: number) => void,
): ThreadRequest<number> {
  return {
    threads: 'connect',
    // An interrupted CONNECT has given its slot back; whether to try again is the caller's to say.
    call: ioctl(fd, numbers.POOL_IOC_CONNECT, { retry: false }),
    fill({ struct }) {
      struct.set(peerAddr, connectReq.peerAddr);
      struct.writeUInt16LE(peerPort, connectReq.peerPort);
      struct.writeUInt8(addrFamily!, connectReq.addrFamily);
      struct.writeUInt8(poolVersion!, connectReq.poolVersion);
    },
    take: (_, { ret }) => ret,
    late: (_, { ret }) => late(ret),
  };
}

/** SEND. `data` is asked for when a thread takes the call. `key`: one SEND at a time on a slot, and no CLOSE_SESS meanwhile. */
export function send(fd: number, key: string, to: MessageAddress, data: () => Uint8Array): ThreadRequest<void> {
  return {
    threads: 'send',
    // Kernel contract, hazard 11: a SEND that was interrupted has left a part of a packet on the wire.
    call: ioctl(fd, numbers.POOL_IOC_SEND, { retry: false }),
    keys: [key],
    fill(memory, libc) {
      const bytes = data();
      memory.copy(memory.data, bytes);
      writeTransfer(memory, libc, to, bytes.length);
    },
  };
}

/** What RECV tells of a message. */
export interface MessageHeader {
  len: number;
  channel: number;
  flags: number;
}

/** RECV. `into` is called with the message, which is gone from the shared memory afterwards; `late` gets a copy. */
export function recv(
  fd: number,
  { capacity, ...from }: MessageAddress & { capacity: number },
  into: (message: Uint8Array, copy: CopyBytes) => void,
  late?: (message: Bytes) => void,
): ThreadRequest<MessageHeader> {
  const messageIn = ({ struct, data }: CallMemory): Uint8Array =>
    data.subarray(0, struct.readUInt32LE(transferReq.len));
  return {
    threads: 'receive',
    call: ioctl(fd, numbers.POOL_IOC_RECV),
    fill: (memory, libc) => writeTransfer(memory, libc, from, Math.min(capacity, MAX_PAYLOAD)),
    take(memory) {
      const { struct, copy } = memory;
      const message = messageIn(memory);
      into(message, copy);
      return {
        len: message.length,
        channel: struct.readUInt8(transferReq.channel),
        flags: struct.readUInt8(transferReq.flags),
      };
    },
    late: late && ((memory) => late(new Uint8Array(messageIn(memory)))),
  };
}

/** RECV after RECV on one channel, `count` at most; `take` gets each message as it lies in the shared memory. */
export function receiveMessages(
  fd: number,
  { count, sessionIdx, channel }: { sessionIdx: number; channel: number; count: number },
  take: (message: Bytes) => void,
): ThreadRequest<void> {
  return {
    threads: 'receive',
    call: { kind: 'receive', fd, count },
    fill(memory, libc) {
      writeTransfer(memory, libc, { sessionIdx, channel, flags: 0 }, MAX_PAYLOAD);
      memory.messages.begin(true);
    },
    news: ({ messages }) => messages.drain(take),
  };
}

/**
 * SEND of one message after the other, as `begun`'s ring gets them; `ret` of the outcome is how many were sent. `news`: more of
 * them have been. `key` as in {@link send}.
 */
export function sendMessages(
  fd: number,
  key: string,
  sessionIdx: number,
  { begun, news }: { begun: (ring: MessageRing) => void; news: () => void },
): ThreadRequest<void> {
  return {
    threads: 'send',
    call: { kind: 'send', fd },
    keys: [key],
    fill(memory, libc) {
      writeTransfer(memory, libc, { sessionIdx, channel: 0, flags: 0 }, 0);
      memory.messages.begin(false);
      begun(memory.messages);
    },
    news,
  };
}

/** SESSIONS: the table, read over bytes that are the `sentinel`. */
export function sessions(fd: number, sentinel: number): ThreadRequest<SessionTableRead> {
  return {
    threads: 'control',
    call: ioctl(fd, numbers.POOL_IOC_SESSIONS),
    fill: (memory, libc) => askForTable(memory, libc, sentinel),
    take: (memory) => takeTable(memory, sentinel),
  };
}

/**
 * CLOSE_SESS on a device served from user space; on the module it is closing/close-slot.ts's. `key` undefined: beside a SEND on
 * the same slot, which the module would not survive (kernel contract, hazard 12). `thread`: a kernel thread without which the
 * call is not made.
 */
export function closeSession(
  fd: number,
  key: string | undefined,
  index: number,
  thread?: KernelThread,
): ThreadRequest<void> {
  return {
    threads: 'close',
    call: ioctl(fd, numbers.POOL_IOC_CLOSE_SESS, { retry: false, ...(thread === undefined ? {} : { thread }) }),
    keys: key === undefined ? [] : [key],
    fill: ({ struct }) => struct.writeUInt32LE(index),
  };
}

/** CHANNEL: what the operation gives, 32 bytes but for the ends of a session. */
export function channel(
  fd: number,
  { sessionIdx, channel: number, operation }: { sessionIdx: number; channel: number; operation: number },
): ThreadRequest<Bytes> {
  const length = operation === CHANNEL_ENDS ? 2 * END_BYTES : CHANNEL_BITMAP_SIZE;
  return {
    threads: 'control',
    call: ioctl(fd, numbers.POOL_IOC_CHANNEL),
    fill({ struct, data }, libc) {
      struct.writeUInt32LE(sessionIdx, channelReq.sessionIdx);
      struct.writeUInt8(number, channelReq.channel);
      struct.writeUInt8(operation, channelReq.operation);
      struct.writeBigUInt64LE(libc.address(data), channelReq.dataPtr);
    },
    take: ({ data }) => new Uint8Array(data.subarray(0, length)),
  };
}

/**
 * Waits until the last change of the session table is not the one with this number; a device that pool-ts serves only.
 * @param messages whether a message that no RECV waits for is one
 */
export function tableChange(
  fd: number,
  number: bigint,
  messages: boolean,
): ThreadRequest<{ number: bigint; port: number }> {
  return {
    threads: 'watch',
    call: ioctl(fd, numbers.POOL_IOC_CHANNEL),
    fill({ struct }) {
      struct.writeUInt8(CHANNEL_TABLE_CHANGE, channelReq.operation);
      struct.writeUInt8(messages ? TABLE_CHANGE_MESSAGES : 0, channelReq.channel);
      struct.writeBigUInt64LE(number, channelReq.dataPtr);
    },
    take: ({ struct }) => ({
      number: struct.readBigUInt64LE(channelReq.dataPtr),
      port: struct.readUInt32LE(channelReq.result),
    }),
  };
}

/** Gives the device that pool-ts serves rings for a session: the descriptors of their memory and of a socket. */
export function openRings(
  fd: number,
  { sessionIdx, sessionId }: { sessionIdx: number; sessionId: Uint8Array },
  { memory, socket }: { memory: number; socket: number },
): ThreadRequest<void> {
  return {
    threads: 'control',
    call: ioctl(fd, numbers.POOL_IOC_CHANNEL),
    fill({ struct }) {
      struct.writeUInt32LE(sessionIdx, channelReq.sessionIdx);
      struct.writeUInt8(SEGMENT_LAYOUT, channelReq.channel);
      struct.writeUInt8(CHANNEL_RINGS, channelReq.operation);
      struct.set(sessionId.subarray(0, 4), channelReq.result);
      struct.writeUInt32LE(memory, channelReq.dataPtr);
      struct.writeUInt32LE(socket, channelReq.dataPtr + 4);
    },
  };
}

function writeTransfer(
  { struct, data }: CallMemory,
  libc: SignalLibc,
  { sessionIdx, channel: number, flags }: MessageAddress,
  length: number,
): void {
  struct.writeUInt32LE(sessionIdx, transferReq.sessionIdx);
  struct.writeUInt8(number, transferReq.channel);
  struct.writeUInt8(flags, transferReq.flags);
  struct.writeUInt32LE(length, transferReq.len);
  struct.writeBigUInt64LE(libc.address(data), transferReq.dataPtr);
}
