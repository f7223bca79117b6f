/** Calls on DeviceRequests as a program would make them, over a caller's memory that is one plain buffer. */
import type { PinnedCaller } from '../../src/pooldev/memory/caller.js';
import type { CallerMemory } from '../../src/pooldev/memory/caller-memory.js';
import { type DeviceCall, ERESTARTSYS } from '../../src/pooldev/requests/device-call.js';
import type { PendingSignals } from '../../src/pooldev/requests/pending-signals.js';
import type { DeviceRequests } from '../../src/pooldev/requests/device-requests.js';
import * as ioctl from '../../src/poolioc/abi/ioctl.js';

/** Where the fake caller's buffer begins. */
export const BASE = 0x10000n;

export interface FakeMemory extends CallerMemory {
  bytes: Buffer;
  /** The next copies fail with this negative errno. */
  error: number;
  /** Copies wait in here instead of being done at once. */
  held: (() => void)[] | null;
  /** Callers pinned and not released. */
  pinned: number;
}

export function fakeMemory(size = 1 << 18): FakeMemory {
  const copy = (address: bigint, length: number, run: (error: number, bytes: Buffer) => void) => {
    const at = Number(address - BASE);
    const bad = at < 0 || at + length > memory.bytes.length;
    let open = true;
    const go = () => {
      if (!open) return;
      open = false;
      run(memory.error !== 0 ? memory.error : bad ? -14 : 0, memory.bytes.subarray(Math.max(at, 0), at + length));
    };
    if (memory.held === null) go();
    else memory.held.push(go);
    return {
      cancel: () => {
        const was = open;
        open = false;
        return was;
      },
    };
  };
  const memory: FakeMemory = {
    bytes: Buffer.alloc(size),
    error: 0,
    held: null,
    pinned: 0,
    pin: (caller): PinnedCaller | null => {
      if (caller.pid === 0) return null;
      memory.pinned++;
      return { ...caller, pin: 1, pages: () => -1, process: () => caller.pid, release: () => void memory.pinned-- };
    },
    read: (_caller, address, length, done) => copy(address, length, done),
    write: (_caller, address, bytes, done) => {
      const taken = Buffer.from(bytes);
      return copy(address, taken.length, (error, into) => {
        if (error === 0) into.set(taken);
        done(error);
      });
    },
  };
  return memory;
}

export interface FakeCall extends DeviceCall {
  /** What ioctl would give: the result, or the negative errno. */
  outcome: Promise<number>;
  answered: boolean;
  /** What went back into the struct. */
  output: Uint8Array | undefined;
  /** A signal that somebody means; `age` ms after the first one. */
  interrupt(interruption?: Partial<PendingSignals> & { age?: number }): void;
}

export function fakeCall(command: number, argument: Buffer, pid = 100): FakeCall {
  let settle: (result: number) => void;
  const call: FakeCall = {
    command,
    argument,
    caller: { pid, uid: 0 },
    onInterrupt: null,
    onAnswer: null,
    outcome: new Promise((resolve) => (settle = resolve)),
    answered: false,
    output: undefined,
    succeed(result, output) {
      if (call.answered) return;
      call.answered = true;
      call.output = output === undefined ? undefined : Uint8Array.from(output);
      settle(result);
      call.onAnswer?.();
    },
    fail: (errno) => call.succeed(-errno),
    restart: () => call.succeed(-ERESTARTSYS),
    interrupt: ({ killed = false, meant = true, age = 0 } = {}) => {
      const signals = () => ({ killed, meant });
      if (call.onInterrupt !== null) call.onInterrupt({ age, signals });
      else if (killed) call.restart();
    },
  };
  return call;
}

/** The eight requests, spoken to `requests` by one program. */
export function program(requests: DeviceRequests, memory: FakeMemory, pid = 100) {
  const make = (command: number, argument: Buffer): FakeCall => {
    const call = fakeCall(command, argument, pid);
    requests.handle(call);
    return call;
  };
  const transfer = (session: number, channel: number, length: number, at: number): Buffer => {
    const argument = Buffer.alloc(24);
    argument.writeUInt32LE(session, 0);
    argument.writeUInt8(channel, 4);
    argument.writeUInt32LE(length, 8);
    argument.writeBigUInt64LE(BASE + BigInt(at), 16);
    return argument;
  };
  return {
    make,
    listen(port: number): FakeCall {
      const argument = Buffer.alloc(2);
      argument.writeUInt16LE(port);
      return make(ioctl.POOL_IOC_LISTEN, argument);
    },
    connect(address: readonly number[], port: number, family = 10): FakeCall {
      const argument = Buffer.alloc(24);
      argument.set(address, 0);
      argument.writeUInt16LE(port, 16);
      argument.writeUInt8(family, 18);
      return make(ioctl.POOL_IOC_CONNECT, argument);
    },
    send(session: number, channel: number, text: string | Uint8Array, at = 0): FakeCall {
      const bytes = Buffer.from(text);
      memory.bytes.set(bytes, at);
      return make(ioctl.POOL_IOC_SEND, transfer(session, channel, bytes.length, at));
    },
    sendLength: (session: number, length: number, at = 0) =>
      make(ioctl.POOL_IOC_SEND, transfer(session, 0, length, at)),
    recv: (session: number, channel = 0, capacity = 1000, at = 0) =>
      make(ioctl.POOL_IOC_RECV, transfer(session, channel, capacity, at)),
    sessions(capacity = 64, at = 0): FakeCall {
      const argument = Buffer.alloc(16);
      argument.writeUInt32LE(capacity, 4);
      argument.writeBigUInt64LE(BASE + BigInt(at), 8);
      return make(ioctl.POOL_IOC_SESSIONS, argument);
    },
    close(session: number): FakeCall {
      const argument = Buffer.alloc(4);
      argument.writeUInt32LE(session);
      return make(ioctl.POOL_IOC_CLOSE_SESS, argument);
    },
    stop: () => make(ioctl.POOL_IOC_STOP, Buffer.alloc(0)),
    channel(session: number, channel: number, operation: number): FakeCall {
      const argument = transfer(session, channel, 0, 0);
      argument.writeUInt8(operation, 5);
      return make(ioctl.POOL_IOC_CHANNEL, argument);
    },
  };
}

export type Program = ReturnType<typeof program>;

/** 16 bytes: the IPv4-mapped form. */
export const mapped = (a: number, b: number, c: number, d: number): number[] => [
  ...new Array<number>(10).fill(0),
  ...[0xff, 0xff, a, b, c, d],
];
