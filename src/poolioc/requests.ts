/** The requests of pool.h as plans for the worker threads: their structs filled in, their results taken out. */
import type { Bytes } from '../base/bytes.js';
import { CHANNEL_BITMAP_SIZE, CHANNEL_ENDS, CHANNEL_TABLE_CHANGE, END_BYTES, MAX_PAYLOAD } from './abi/constants.js';
import { type CloseSlotOrder, giveUpTurn } from './threads/close-slot.js';
import type { CallMemory } from './threads/call-memory.js';
import * as ioctl from './abi/ioctl.js';
import type { KernelThread } from './kernel-thread.js';
import type { OpenFile } from './libc.js';
import { askForTable, takeTable, type SessionTableRead } from './threads/read-table.js';
import { offsetsOf, structs } from './abi/structs.js';
import type { MessageRing } from './threads/message-ring.js';
import type { ConnectRequest } from './types.js';
import type { CallPlan, ThreadClass } from './threads/worker-call.js';
import type { SignalLibc } from './threads/worker-thread.js';

const connect = offsetsOf(structs.ConnectReq);
const transfer = offsetsOf(structs.SendReq);
const channelReq = offsetsOf(structs.ChannelReq);

/** What a call gave: `value` where it succeeded. */
export interface Outcome<T> {
  ret: number;
  errno: number;
  value: T | undefined;
}

interface Request<T> {
  lane: ThreadClass;
  request: number;
  keys?: readonly string[];
  /** An interruption that nobody asked for: make the call again, without telling. */
  retry?: boolean;
  /** Without this kernel thread the call is not made. */
  thread?: KernelThread | undefined;
  fill?: (memory: CallMemory, libc: SignalLibc) => void;
  take?: (memory: CallMemory, ret: number) => T;
  late?: ((value: T) => void) | undefined;
}

/** The plan of a request on `fd`. */
function plan<T>(fd: number, asked: Request<T>): CallPlan<Outcome<T>> {
  const { lane, request, keys, retry = true, thread, fill, take, late } = asked;
  return {
    lane,
    keys,
    order(memory, libc) {
      memory.struct.fill(0);
      fill?.(memory, libc);
      return {
        kind: 'ioctl',
        fd,
        request,
        argument: fill !== undefined,
        retry,
        ...(thread === undefined ? {} : { thread }),
      };
    },
    result: ({ ret, errno }, memory) => ({ ret, errno, value: ret < 0 ? undefined : take?.(memory, ret) }),
    late: late && take && (({ ret }, memory) => late(take(memory, ret))),
  };
}

/** The descriptor, and what it is open on. `late` gets a descriptor that nobody waits for any more. */
export function openPlan(
  path: string,
  late: (fd: number) => void,
): CallPlan<{ ret: number; errno: number; file: OpenFile | undefined }> {
  return {
    lane: 'control',
    order: () => ({ kind: 'open', path }),
    result: ({ ret, errno, file }) => ({ ret, errno, file }),
    late: ({ ret }) => late(ret),
  };
}

/** Whatever close gives, the descriptor is gone: Linux frees it first. */
export function closePlan(fd: number): CallPlan<void> {
  return { lane: 'control', order: () => ({ kind: 'close', fd }), result: () => undefined };
}

export function listenPlan(fd: number, port: number): CallPlan<Outcome<void>> {
  return plan(fd, {
    lane: 'control',
    request: ioctl.POOL_IOC_LISTEN,
    fill: ({ struct }) => struct.writeUInt16LE(port),
  });
}

export function stopPlan(fd: number): CallPlan<Outcome<void>> {
  // As CLOSE_SESS, among those whose thread stands ready.
  return plan(fd, { lane: 'close', request: ioctl.POOL_IOC_STOP });
}

export function connectPlan(
  fd: number,
  { peerAddr, peerPort, addrFamily, poolVersion }: Required<ConnectRequest>,
  late?: (index: number) => void,
): CallPlan<Outcome<number>> {
  return plan(fd, {
    lane: 'connect',
    request: ioctl.POOL_IOC_CONNECT,
    // An interrupted CONNECT has given its slot back; whether to try again is the caller's to say.
    retry: false,
    fill({ struct }) {
      struct.set(peerAddr, connect.peerAddr);
      struct.writeUInt16LE(peerPort, connect.peerPort);
      struct.writeUInt8(addrFamily!, connect.addrFamily);
      struct.writeUInt8(poolVersion!, connect.poolVersion);
    },
    take: (_, ret) => ret,
    late,
  });
}

/** `data` is asked for when a thread takes the call. `key`: one SEND at a time on a slot, and no CLOSE_SESS meanwhile. */
export function sendPlan(
  fd: number,
  key: string,
  { sessionIdx, channel, flags }: { sessionIdx: number; channel: number; flags: number },
  data: () => Uint8Array,
): CallPlan<Outcome<void>> {
  return plan(fd, {
    lane: 'send',
    keys: [key],
    request: ioctl.POOL_IOC_SEND,
    // Kernel contract, hazard 11: a SEND that was interrupted has left a part of a packet on the wire.
    retry: false,
    fill(memory, libc) {
      const bytes = data();
      memory.data.set(bytes);
      writeTransfer(memory, libc, { sessionIdx, channel, flags, len: bytes.length });
    },
  });
}

export interface Received {
  len: number;
  channel: number;
  flags: number;
}

/** `into` is called with the message, which is gone from the shared memory afterwards. */
export function recvPlan(
  fd: number,
  { sessionIdx, channel, flags, capacity }: { sessionIdx: number; channel: number; flags: number; capacity: number },
  into: (message: Uint8Array) => void,
  late?: (message: Uint8Array) => void,
): CallPlan<Outcome<Received>> {
  const length = ({ struct }: CallMemory): number => struct.readUInt32LE(transfer.len);
  const base = plan(fd, {
    lane: 'receive',
    request: ioctl.POOL_IOC_RECV,
    fill: (memory, libc) =>
      writeTransfer(memory, libc, { sessionIdx, channel, flags, len: Math.min(capacity, MAX_PAYLOAD) }),
    take(memory): Received {
      const { struct, data } = memory;
      into(data.subarray(0, length(memory)));
      return {
        len: length(memory),
        channel: struct.readUInt8(transfer.channel),
        flags: struct.readUInt8(transfer.flags),
      };
    },
  });
  return { ...base, late: late && ((_, memory) => late(new Uint8Array(memory.data.subarray(0, length(memory))))) };
}

/** RECV after RECV on one channel, `count` at most; `take` gets each message as it lies in the shared memory. */
export function receiveMessagesPlan(
  fd: number,
  { sessionIdx, channel, count }: { sessionIdx: number; channel: number; count: number },
  take: (message: Uint8Array) => void,
): CallPlan<Outcome<void>> {
  return {
    lane: 'receive',
    order(memory, libc) {
      memory.struct.fill(0);
      writeTransfer(memory, libc, { sessionIdx, channel, flags: 0, len: MAX_PAYLOAD });
      memory.messages.begin(true);
      return { kind: 'receive', fd, count };
    },
    news: ({ messages }) => messages.drain(take),
    result: ({ ret, errno }) => ({ ret, errno, value: undefined }),
  };
}

/**
 * SEND of one message after the other, as `begun`'s ring gets them; `ret` of the outcome is how many were sent. `news`: more of
 * them have been. `key` as in sendPlan.
 */
export function sendMessagesPlan(
  fd: number,
  key: string,
  sessionIdx: number,
  { begun, news }: { begun: (ring: MessageRing) => void; news: () => void },
): CallPlan<Outcome<void>> {
  return {
    lane: 'send',
    keys: [key],
    order(memory, libc) {
      memory.struct.fill(0);
      writeTransfer(memory, libc, { sessionIdx, channel: 0, flags: 0, len: 0 });
      memory.messages.begin(false);
      begun(memory.messages);
      return { kind: 'send', fd };
    },
    news,
    result: ({ ret, errno }) => ({ ret, errno, value: undefined }),
  };
}

export function sessionsPlan(fd: number, sentinel: number): CallPlan<Outcome<SessionTableRead>> {
  return plan(fd, {
    lane: 'control',
    request: ioctl.POOL_IOC_SESSIONS,
    fill: (memory, libc) => askForTable(memory, libc, sentinel),
    take: (memory) => takeTable(memory, sentinel),
  });
}

/**
 * On a device served from user space. `key` undefined: beside a SEND on the same slot, which the module would not survive
 * (kernel contract, hazard 12). `thread`: a kernel thread without which the call is not made.
 */
export function closeSessionPlan(
  fd: number,
  key: string | undefined,
  index: number,
  thread?: KernelThread,
): CallPlan<Outcome<void>> {
  return plan(fd, {
    lane: 'close',
    keys: key === undefined ? [] : [key],
    request: ioctl.POOL_IOC_CLOSE_SESS,
    retry: false,
    thread,
    fill: ({ struct }) => struct.writeUInt32LE(index),
  });
}

/** ms after which a CLOSE_SESS that has not returned gives up the machine's turn: it may hang for ever (hazard 12). */
const TURN_MS = 2000;

/** On the module. `slot`: as the key of closeSessionPlan; `turn`: that of all closings of the device. */
export function closeSlotPlan(
  { slot, turn }: { slot: string; turn: string },
  order: (memory: CallMemory) => CloseSlotOrder,
  { called, closed }: { called?: (() => void) | undefined; closed: (memory: CallMemory) => void },
): CallPlan<Outcome<void>> {
  let fd = -1;
  return {
    lane: 'close',
    keys: [slot, turn],
    order(memory) {
      const made = order(memory);
      fd = made.fd;
      return made;
    },
    called,
    lease: { key: turn, ms: TURN_MS, over: (memory, libc) => giveUpTurn(memory, libc, fd) },
    result({ ret, errno }, memory) {
      if (ret >= 0) closed(memory);
      return { ret, errno, value: undefined };
    },
    late: (_, memory) => closed(memory),
  };
}

export function channelPlan(
  fd: number,
  { sessionIdx, channel, operation }: { sessionIdx: number; channel: number; operation: number },
): CallPlan<Outcome<Bytes>> {
  return plan(fd, {
    lane: 'control',
    request: ioctl.POOL_IOC_CHANNEL,
    fill({ struct, data }, libc) {
      struct.writeUInt32LE(sessionIdx, channelReq.sessionIdx);
      struct.writeUInt8(channel, channelReq.channel);
      struct.writeUInt8(operation, channelReq.operation);
      struct.writeBigUInt64LE(libc.address(data), channelReq.dataPtr);
    },
    take: ({ data }) =>
      new Uint8Array(data.subarray(0, operation === CHANNEL_ENDS ? 2 * END_BYTES : CHANNEL_BITMAP_SIZE)),
  });
}

/** Waits until the last change of the session table is not the one with this number; a device that pool-ts serves only. */
export function tableChangePlan(fd: number, number: bigint): CallPlan<Outcome<{ number: bigint; port: number }>> {
  return plan(fd, {
    lane: 'watch',
    request: ioctl.POOL_IOC_CHANNEL,
    fill({ struct }) {
      struct.writeUInt8(CHANNEL_TABLE_CHANGE, channelReq.operation);
      struct.writeBigUInt64LE(number, channelReq.dataPtr);
    },
    take: ({ struct }) => ({
      number: struct.readBigUInt64LE(channelReq.dataPtr),
      port: struct.readUInt32LE(channelReq.result),
    }),
  });
}

function writeTransfer(
  { struct, data }: CallMemory,
  libc: SignalLibc,
  { sessionIdx, channel, flags, len }: { sessionIdx: number; channel: number; flags: number; len: number },
): void {
  struct.writeUInt32LE(sessionIdx, transfer.sessionIdx);
  struct.writeUInt8(channel, transfer.channel);
  struct.writeUInt8(flags, transfer.flags);
  struct.writeUInt32LE(len, transfer.len);
  struct.writeBigUInt64LE(libc.address(data), transfer.dataPtr);
}
