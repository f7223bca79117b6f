/** SEND and RECV: what a slot takes from and gives to the memory of a caller. */
import { MAX_PAYLOAD } from '../../poolioc/abi/constants.js';
import type { RequestMemory } from '../memory/request-memory.js';
import type { Copy } from '../memory/caller-memory.js';
import { answer, type DeviceCall } from './device-call.js';
import { Errno } from '../../base/errno.js';
import type { Receiver } from './receive-queue.js';
import type { Sender } from './pending-sends.js';
import type { DeviceSlot } from './device-slot.js';

/**
 * ms that a SEND waits on for its peer to read after its caller got a signal. A program that only sends, to a peer that
 * only reads, sees no EINTR; one that means to give up is let go.
 */
const SEND_PATIENCE = 250;

interface TransferRequest {
  channel: number;
  /** Bytes to send, or room for what is received. */
  length: number;
  address: bigint;
}

/** The request's fields, checked in the module's order. Null: the call was answered. */
function transferOf(call: DeviceCall, slot: DeviceSlot): TransferRequest | null {
  const { argument } = call;
  const length = argument.readUInt32LE(8);
  if (length === 0 || length > MAX_PAYLOAD) {
    call.fail(Errno.EINVAL);
    return null;
  }
  if (!slot.inUse || slot.isClosing) {
    call.fail(Errno.ENOTCONN);
    return null;
  }
  return { channel: argument.readUInt8(4), length, address: argument.readBigUInt64LE(16) };
}

/** POOL_IOC_SEND. */
export function answerSend(call: DeviceCall, slot: DeviceSlot, memory: RequestMemory): void {
  const transfer = transferOf(call, slot);
  const caller = transfer && memory.pin(call);
  if (transfer === null || caller === null) return;
  const { channel, length, address } = transfer;
  let refusedCopy = 0;
  const sender: Sender = {
    channel,
    fetch: (got) =>
      memory.copies.read(caller, address, length, (error, bytes) => {
        refusedCopy = -error;
        got(refusedCopy, bytes);
      }),
    settle: (errno) => {
      call.onInterrupt = null;
      if (errno !== 0 && errno === refusedCopy) memory.refuse(call, errno);
      else answer(call, errno);
    },
    restart: () => {
      call.onInterrupt = null;
      call.restart();
    },
  };
  call.onInterrupt = ({ age, signals }) => {
    slot.sends.interrupt(sender, () => age >= SEND_PATIENCE || signals().killed);
  };
  slot.sends.submit(sender);
}

/** POOL_IOC_RECV. `strictModule`: a message that can't be written to its caller is lost. */
export function answerRecv(call: DeviceCall, slot: DeviceSlot, memory: RequestMemory, strictModule: boolean): void {
  const transfer = transferOf(call, slot);
  const caller = transfer && memory.pin(call);
  if (transfer === null || caller === null) return;
  const { channel, length, address } = transfer;
  let copy: Copy | null = null;
  const receiver: Receiver = {
    channel,
    capacity: length,
    deliver: (message, settle) => {
      // A message is at hand, and comes; nobody is left to get it where the caller is killed. A copy that runs is answered
      // with its outcome.
      call.onInterrupt = ({ signals }) => {
        if (!signals().killed || copy?.cancel() !== true) return;
        call.restart();
        settle(false);
      };
      copy = memory.copies.write(caller, address, message, (error) => {
        call.onInterrupt = null;
        if (error !== 0) {
          memory.refuse(call, -error);
        } else {
          call.argument.writeUInt32LE(message.length, 8);
          call.succeed(0, call.argument);
        }
        settle(error === 0 || (strictModule && error === -Errno.EFAULT));
      });
    },
    fail: (errno) => {
      call.onInterrupt = null;
      call.fail(errno);
    },
  };
  call.onInterrupt = () => {
    if (slot.received.cancel(receiver)) call.restart();
  };
  slot.received.receive(receiver);
}
