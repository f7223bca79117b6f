/**
 * The eight requests of /dev/pool on a node in user space: results and errno values as the kernel contract, section 2,
 * has them. Calls come in and are answered; how they travel is not known here.
 */
import {
  CHANNEL_LOCAL_END,
  ChannelOperation,
  CLOSE_ABORT,
  MAX_CHANNELS,
  MAX_PAYLOAD,
  MAX_SESSIONS,
} from '../poolioc/constants.js';
import {
  POOL_IOC_CHANNEL,
  POOL_IOC_CLOSE_SESS,
  POOL_IOC_CONNECT,
  POOL_IOC_LISTEN,
  POOL_IOC_RECV,
  POOL_IOC_SEND,
  POOL_IOC_SESSIONS,
  POOL_IOC_STOP,
} from '../poolioc/ioctl.js';
import type { Endpoint, PoolNode } from '../poolnode/types.js';
import { addressBytes } from './address-bytes.js';
import type { PinnedCaller } from './caller.js';
import type { CallerMemory, Copy } from './caller-memory.js';
import { Connecting } from './connecting.js';
import type { DeviceCall } from './device-call.js';
import { Errno } from './errno.js';
import { Listening } from './listening.js';
import { errnoOf } from './node-errors.js';
import type { Receiver } from './receive-queue.js';
import type { Sender } from './send-queue.js';
import { SESSION_RECORD_BYTES } from './session-record.js';
import { Slot } from './slot.js';

export interface DeviceRequestsOptions {
  node: PoolNode;
  memory: CallerMemory;
  /** Where LISTEN listens; '' is every address. */
  host: string;
  strictModule: boolean;
  /** A caller's memory can't be reached; `errno` says why. */
  memoryRefused?(errno: number): void;
}

export class DeviceRequests {
  readonly #memory: CallerMemory;
  readonly #options: DeviceRequestsOptions;
  readonly #slots: Slot[];
  readonly #listening: Listening;
  readonly #connecting: Connecting;

  constructor(options: DeviceRequestsOptions) {
    const { node, host, strictModule } = options;
    this.#options = options;
    this.#memory = options.memory;
    this.#slots = Array.from({ length: MAX_SESSIONS }, (_, index) => new Slot(index, strictModule));
    this.#connecting = new Connecting(node, this.#slots);
    this.#listening = new Listening({
      node,
      host,
      strictModule,
      session: (session) => {
        const slot = this.#slots[session.index];
        if (slot === undefined) session.destroy();
        else slot.accepted(session);
      },
    });
  }

  handle(call: DeviceCall): void {
    switch (call.command) {
      case POOL_IOC_LISTEN:
        void this.#listening.listen(call.argument.readUInt16LE(0)).then((errno) => answer(call, errno));
        return;
      case POOL_IOC_CONNECT:
        this.#connecting.connect(call);
        return;
      case POOL_IOC_SEND:
        this.#send(call);
        return;
      case POOL_IOC_RECV:
        this.#receive(call);
        return;
      case POOL_IOC_SESSIONS:
        this.#sessions(call);
        return;
      case POOL_IOC_CLOSE_SESS:
        this.#close(call);
        return;
      case POOL_IOC_STOP:
        void this.#listening.stop().then(
          () => call.succeed(0),
          (error: unknown) => call.fail(errnoOf(error)),
        );
        return;
      case POOL_IOC_CHANNEL:
        this.#channel(call);
        return;
      default:
        call.fail(Errno.ENOTTY);
    }
  }

  /** Answers what waits, closes what is open. Never rejects. */
  async close(): Promise<void> {
    this.#connecting.abort();
    for (const slot of this.#slots) slot.abort(Errno.ECONNABORTED);
    await Promise.allSettled([this.#listening.stop(), ...this.#slots.map((slot) => slot.close())]);
  }

  #slot(call: DeviceCall): Slot | null {
    const slot = this.#slots[call.argument.readUInt32LE(0)];
    if (slot === undefined) call.fail(Errno.EINVAL);
    return slot ?? null;
  }

  /** The slot and length of SEND and RECV, checked in the module's order. */
  #transfer(call: DeviceCall): { slot: Slot; channel: number; length: number; address: bigint } | null {
    const { argument } = call;
    const slot = this.#slot(call);
    if (slot === null) return null;
    const length = argument.readUInt32LE(8);
    if (length === 0 || length > MAX_PAYLOAD) {
      call.fail(Errno.EINVAL);
      return null;
    }
    if (!slot.inUse || slot.isClosing) {
      call.fail(Errno.ENOTCONN);
      return null;
    }
    return { slot, channel: argument.readUInt8(4), length, address: argument.readBigUInt64LE(16) };
  }

  #pin(call: DeviceCall): PinnedCaller | null {
    const caller = this.#memory.pin(call.caller);
    if (caller === null) this.#refuse(call, call.caller.pid === 0 ? Errno.EPERM : Errno.EFAULT);
    else call.onAnswer = caller.release;
    return caller;
  }

  /** EPERM comes of ptrace_scope, of another pid namespace, of seccomp: somebody must be told what to do. */
  #refuse(call: DeviceCall, errno: number): void {
    if (errno === Errno.EPERM) this.#options.memoryRefused?.(errno);
    call.fail(errno === Errno.EPERM ? Errno.EPERM : Errno.EFAULT);
  }

  #send(call: DeviceCall): void {
    const transfer = this.#transfer(call);
    const caller = transfer && this.#pin(call);
    if (transfer === null || caller === null) return;
    const { slot, channel, length, address } = transfer;
    let refusedCopy = 0;
    const sender: Sender = {
      channel,
      fetch: (got) =>
        this.#memory.read(caller, address, length, (error, bytes) => {
          refusedCopy = -error;
          got(refusedCopy, bytes);
        }),
      settle: (errno) => {
        call.onInterrupt = null;
        if (errno !== 0 && errno === refusedCopy) this.#refuse(call, errno);
        else answer(call, errno);
      },
    };
    call.onInterrupt = () => slot.sends.interrupt(sender);
    slot.sends.submit(sender);
  }

  #receive(call: DeviceCall): void {
    const transfer = this.#transfer(call);
    const caller = transfer && this.#pin(call);
    if (transfer === null || caller === null) return;
    const { slot, channel, length, address } = transfer;
    let copy: Copy | null = null;
    const receiver: Receiver = {
      channel,
      capacity: length,
      deliver: (message, settle) => {
        // Nothing is written once the caller was told that nothing came; a copy that runs is answered with its outcome.
        call.onInterrupt = () => {
          if (copy?.cancel() !== true) return;
          call.fail(Errno.EINTR);
          settle(false);
        };
        copy = this.#memory.write(caller, address, message, (error) => {
          call.onInterrupt = null;
          if (error !== 0) {
            this.#refuse(call, -error);
          } else {
            call.argument.writeUInt32LE(message.length, 8);
            call.succeed(0, call.argument);
          }
          settle(error === 0);
        });
      },
      fail: (errno) => {
        call.onInterrupt = null;
        call.fail(errno);
      },
    };
    call.onInterrupt = () => {
      if (slot.received.cancel(receiver)) receiver.fail(Errno.EINTR);
    };
    slot.received.receive(receiver);
  }

  #sessions(call: DeviceCall): void {
    const { argument } = call;
    const capacity = Math.min(argument.readUInt32LE(4), MAX_SESSIONS);
    const used = this.#slots.filter((slot) => slot.inUse).slice(0, capacity);
    argument.writeUInt32LE(used.length, 0);
    argument.writeUInt32LE(capacity, 4);
    if (used.length === 0) {
      call.succeed(0, argument);
      return;
    }
    const caller = this.#pin(call);
    if (caller === null) return;
    const records = Buffer.alloc(used.length * SESSION_RECORD_BYTES);
    used.forEach((slot, at) => slot.encode(records.subarray(at * SESSION_RECORD_BYTES)));
    this.#write(call, caller, argument.readBigUInt64LE(8), records, 0);
  }

  #close(call: DeviceCall): void {
    const index = call.argument.readUInt32LE(0);
    const aborted = index < CLOSE_ABORT ? undefined : this.#slots[index - CLOSE_ABORT];
    if (aborted !== undefined) {
      aborted.destroy();
      call.succeed(0);
      return;
    }
    const slot = this.#slot(call);
    if (slot === null) return;
    // A peer that does not read holds the close up; a caller that can't wait gives that up, the slot is free all the same.
    call.onInterrupt = () => slot.destroy();
    void slot.close().then(() => call.succeed(0));
  }

  #channel(call: DeviceCall): void {
    const { argument } = call;
    const slot = this.#slot(call);
    if (slot === null) return;
    const { session } = slot;
    const channel = argument.readUInt8(4);
    if (session === null) {
      call.fail(Errno.ENOENT);
      return;
    }
    switch (argument.readUInt8(5)) {
      case ChannelOperation.SUBSCRIBE:
        session.subscribe(channel);
        call.succeed(0, argument);
        return;
      case ChannelOperation.UNSUBSCRIBE:
        session.unsubscribe(channel);
        call.succeed(0, argument);
        return;
      case ChannelOperation.LIST: {
        const caller = this.#pin(call);
        if (caller === null) return;
        argument.writeUInt32LE(MAX_CHANNELS, 8);
        this.#write(call, caller, argument.readBigUInt64LE(16), session.channels(), 0);
        return;
      }
      case CHANNEL_LOCAL_END:
        if (this.#options.strictModule) call.fail(Errno.EINVAL);
        else this.#localEnd(call, session.local);
        return;
      default:
        call.fail(Errno.EINVAL);
    }
  }

  #localEnd(call: DeviceCall, { address, port }: Endpoint): void {
    const caller = this.#pin(call);
    if (caller === null) return;
    const bytes = Buffer.alloc(18);
    bytes.set(addressBytes(address));
    bytes.writeUInt16LE(port, 16);
    this.#write(call, caller, call.argument.readBigUInt64LE(16), bytes, 0);
  }

  /** Writes what a pointer in the struct asks for, then answers with the struct. */
  #write(call: DeviceCall, caller: PinnedCaller, address: bigint, bytes: Uint8Array, result: number): void {
    const copy = this.#memory.write(caller, address, bytes, (error) => {
      call.onInterrupt = null;
      if (error === 0) call.succeed(result, call.argument);
      else this.#refuse(call, -error);
    });
    call.onInterrupt = () => {
      if (copy.cancel()) call.fail(Errno.EINTR);
    };
  }
}

function answer(call: DeviceCall, errno: number): void {
  if (errno === 0) call.succeed(0);
  else call.fail(errno);
}
