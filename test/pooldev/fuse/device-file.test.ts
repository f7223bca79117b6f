import { afterEach, describe, expect, it, vi } from 'vitest';
import { POOL_IOC_RECV, POOL_IOC_STOP } from '../../../src/poolioc/abi/ioctl.js';
import type { DeviceCall } from '../../../src/pooldev/requests/device-call.js';
import { DeviceFile } from '../../../src/pooldev/fuse/device-file.js';
import { DeviceRequests } from '../../../src/pooldev/requests/device-requests.js';
import { Errno } from '../../../src/base/errno.js';
import type { PendingSignals } from '../../../src/pooldev/requests/pending-signals.js';
import { seeded } from '../../poolnode/protocol/seeded.js';
import { reached, timeout, tries } from '../../reliability/figures.js';
import { fakeMemory } from '../fake-call.js';
import { fakeNetwork } from '../fake-node.js';
import { fuseRequest, ioctlBody, readReply, type RequestFields } from '../fuse-request.js';

const OWNER = 1000;

const calm = (): PendingSignals => ({ killed: false, meant: false });

function deviceFile({
  allowOther = false,
  handle = (_call: DeviceCall): void => {},
  signals = calm,
  processOf = (thread: number) => thread,
} = {}) {
  const replies: ReturnType<typeof readReply>[] = [];
  const file = new DeviceFile({
    ...{ uid: OWNER, gid: OWNER, mode: 0o600, allowOther, handle, signals, processOf },
    send: (reply) => replies.push(readReply(reply)),
  });
  const ask = (opcode: number, body: Uint8Array = Buffer.alloc(0), fields: RequestFields = {}) => {
    file.request(fuseRequest(opcode, body, fields));
    return replies.at(-1);
  };
  return { file, replies, ask };
}

afterEach(() => {
  vi.useRealTimers();
});

const mode = (reply: { body: Buffer } | undefined) => reply?.body.readUInt32LE(76);

describe('file requests', () => {
  it('are answered, or refused as a character device without them would', () => {
    const { ask } = deviceFile();
    const init = Buffer.alloc(64);
    init.writeUInt32LE(7, 0);
    expect(ask(26, init)).toMatchObject({ error: 0 });
    expect(ask(14, Buffer.alloc(8))?.body.readUInt32LE(8)).toBe(5);
    expect(mode(ask(3, Buffer.alloc(16)))).toBe(0o100600);
    for (const opcode of [18, 25, 34, 38, 17]) expect(ask(opcode)).toMatchObject({ error: 0 });
    for (const opcode of [15, 16, 20]) expect(ask(opcode)).toMatchObject({ error: -Errno.EINVAL });
    for (const opcode of [1, 5, 22, 40, 46, 4096, 0xffffffff])
      expect(ask(opcode)).toMatchObject({ error: -Errno.ENOSYS });
  });

  it('give FORGET no answer', () => {
    const { ask, replies } = deviceFile();
    ask(2, Buffer.alloc(8));
    ask(42, Buffer.alloc(8));
    expect(replies).toEqual([]);
  });

  it('refuse a kernel that speaks another protocol', () => {
    const init = Buffer.alloc(64);
    init.writeUInt32LE(6, 0);
    expect(deviceFile().ask(26, init)).toMatchObject({ error: -Errno.EPROTO });
  });

  it('change mode and owner, but never the type, and ignore times and size', () => {
    const { ask } = deviceFile();
    const change = (valid: number) => {
      const body = Buffer.alloc(88);
      body.writeUInt32LE(valid, 0);
      body.writeUInt32LE(0o020666, 68);
      body.writeUInt32LE(42, 76);
      return ask(4, body);
    };
    expect(mode(change(8 | 16 | 32))).toBe(0o100600);
    expect(mode(change(1))).toBe(0o100666);
    expect(change(2)?.body.readUInt32LE(84)).toBe(42);
    expect(ask(4, Buffer.alloc(87))).toMatchObject({ error: -Errno.EINVAL });
  });
});

describe('callers', () => {
  const open = (uid: number, allowOther: boolean) =>
    deviceFile({ allowOther }).ask(14, Buffer.alloc(8), { uid })?.error;
  const stop = (uid: number, allowOther: boolean) =>
    deviceFile({ allowOther, handle: (call) => call.succeed(0) }).ask(39, ioctlBody(POOL_IOC_STOP, Buffer.alloc(0)), {
      uid,
    })?.error;

  it.each([
    ['the owner', OWNER, false, 0],
    ['root', 0, false, 0],
    ['anybody else', 1001, false, -Errno.EACCES],
    ['anybody else where they are let in', 1001, true, 0],
  ])('%s', (_who, uid, allowOther, error) => {
    expect([open(uid, allowOther), stop(uid, allowOther)]).toEqual([error, error]);
  });
});

describe('ioctl', () => {
  it('hands on the struct and answers with result and struct', () => {
    const calls: DeviceCall[] = [];
    const { ask, replies, file } = deviceFile({ handle: (call) => calls.push(call) });
    ask(39, ioctlBody(POOL_IOC_RECV, Buffer.alloc(24, 3)), { unique: 9n, pid: 55, uid: OWNER });
    expect(calls[0]).toMatchObject({
      command: POOL_IOC_RECV,
      argument: Buffer.alloc(24, 3),
      caller: { pid: 55, uid: OWNER },
    });
    expect(file.pending).toBe(1);
    calls[0]?.succeed(5, Buffer.alloc(24, 4));
    calls[0]?.fail(1);
    expect(replies).toHaveLength(1);
    expect(replies[0]).toMatchObject({ unique: 9n, error: 0 });
    expect(replies[0]?.body).toEqual(Buffer.concat([Buffer.from([5]), Buffer.alloc(15), Buffer.alloc(24, 4)]));
    expect(file.pending).toBe(0);
  });

  it('refuses a struct that is not as long as its number says, and drops a call whose name is in use', () => {
    const { ask, file, replies } = deviceFile();
    expect(ask(39, ioctlBody(POOL_IOC_RECV, Buffer.alloc(23)))).toMatchObject({ error: -Errno.EINVAL });
    expect(ask(39, Buffer.alloc(31))).toMatchObject({ error: -Errno.EINVAL });
    ask(39, ioctlBody(POOL_IOC_RECV, Buffer.alloc(24)));
    ask(39, ioctlBody(POOL_IOC_RECV, Buffer.alloc(24)));
    expect([file.pending, replies.length]).toEqual([1, 2]);
  });

  it('interrupts the call that INTERRUPT names, once, and no other', () => {
    const interrupted: bigint[] = [];
    const { ask, file } = deviceFile({
      handle: (call) => {
        call.onInterrupt = () => interrupted.push(BigInt(call.caller.pid));
      },
    });
    const interrupt = (unique: bigint) => {
      const body = Buffer.alloc(8);
      body.writeBigUInt64LE(unique);
      ask(36, body, { unique: unique | 1n });
    };
    ask(39, ioctlBody(POOL_IOC_STOP, Buffer.alloc(0)), { unique: 2n, pid: 2 });
    ask(39, ioctlBody(POOL_IOC_STOP, Buffer.alloc(0)), { unique: 4n, pid: 4 });
    interrupt(6n);
    interrupt(4n);
    interrupt(4n);
    expect(interrupted).toEqual([4n]);
    expect(file.pending).toBe(2);
    file.abort(Errno.ECONNABORTED);
  });

  const interruptOf = (unique: bigint) => {
    const body = Buffer.alloc(8);
    body.writeBigUInt64LE(unique);
    return [36, body, { unique: unique | 1n }] as const;
  };

  it('looks at an interrupted call again as long as it waits, for FUSE tells of its first signal only', () => {
    vi.useFakeTimers();
    const seen: [number, PendingSignals][] = [];
    let pending = calm();
    const { ask, replies } = deviceFile({
      signals: () => pending,
      handle: (call) => {
        call.onInterrupt = ({ age, signals }) => {
          seen.push([age, signals()]);
          if (signals().killed) call.restart();
        };
      },
    });
    ask(39, ioctlBody(POOL_IOC_STOP, Buffer.alloc(0)), { unique: 2n });
    ask(...interruptOf(2n));
    vi.advanceTimersByTime(100);
    expect(seen.map(([age, { killed }]) => [age > 0, killed])).toEqual([
      [false, false],
      [true, false],
      [true, false],
    ]);
    pending = { killed: true, meant: false };
    vi.advanceTimersByTime(50);
    expect(replies).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('lets a call that nothing interrupts go when its caller is killed, and looks at 32 of a thousand at a time', () => {
    vi.useFakeTimers();
    let looks = 0;
    const { ask, file, replies } = deviceFile({
      signals: () => ({ killed: ++looks > 1000, meant: true }),
    });
    for (let at = 0; at < 1000; at++) {
      const unique = BigInt(2 * at + 2);
      ask(39, ioctlBody(POOL_IOC_STOP, Buffer.alloc(0)), { unique });
      ask(...interruptOf(unique));
    }
    expect([looks, file.pending]).toEqual([1000, 1000]);
    vi.advanceTimersByTime(50);
    expect([looks, file.pending]).toEqual([1032, 968]);
    expect(replies.map(({ unique }) => Number(unique))).toEqual(Array.from({ length: 32 }, (_, at) => 2 * at + 2));
    vi.advanceTimersByTime(50 * 31);
    expect(file.pending).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('restarts as the result of the ioctl, where FUSE does not look, and only what was interrupted', () => {
    const calls: DeviceCall[] = [];
    const { ask, file } = deviceFile({ handle: (call) => calls.push(call) });
    ask(39, ioctlBody(POOL_IOC_RECV, Buffer.alloc(24)), { unique: 2n });
    ask(...interruptOf(2n));
    calls[0]?.restart();
    const restarted = ask(...interruptOf(2n));
    expect(restarted).toMatchObject({ unique: 2n, error: 0 });
    expect(restarted?.body).toHaveLength(16);
    expect(restarted?.body.readInt32LE(0)).toBe(-512);

    ask(39, ioctlBody(POOL_IOC_RECV, Buffer.alloc(24)), { unique: 4n });
    calls[1]?.restart();
    expect(ask(...interruptOf(4n))).toMatchObject({ unique: 4n, error: -Errno.EINTR });
    expect(file.pending).toBe(0);
  });

  it('gives a process a quarter of the calls that may wait, asks whose they are only then, and counts what was answered no more', () => {
    const calls: DeviceCall[] = [];
    const asked: number[] = [];
    const processOf = (thread: number) => {
      asked.push(thread);
      return Math.floor(thread / 10_000);
    };
    const { ask, file } = deviceFile({ handle: (call) => calls.push(call), processOf });
    let unique = 0n;
    const call = (pid: number) => {
      const pending = file.pending;
      const reply = ask(39, ioctlBody(POOL_IOC_STOP, Buffer.alloc(0)), { unique: (unique += 2n), pid });
      return file.pending > pending ? 0 : reply?.error;
    };
    for (let at = 0; at < 1024; at++) expect(call(10_000 + at)).toBe(0);
    expect(asked).toEqual([]);
    expect(call(12_000)).toBe(-Errno.EBUSY);
    expect(call(20_000)).toBe(0);
    calls[3]?.succeed(0);
    expect([call(12_001), call(12_002)]).toEqual([0, -Errno.EBUSY]);
    // Each is asked about when it comes and once more while it waits, not with every call.
    for (const thread of asked) expect(asked.filter((one) => one === thread).length).toBeLessThanOrEqual(2);
    for (const process of [2, 3, 4]) {
      for (let at = 0; file.pending < 1024 * process; at++) expect(call(process * 10_000 + at)).toBe(0);
    }
    expect(call(50_000)).toBe(-Errno.EBUSY);
  });

  it('turns a fault of the handler into EIO for its caller', () => {
    const { ask, file } = deviceFile({
      handle: () => {
        throw new Error('a fault');
      },
    });
    expect(ask(39, ioctlBody(POOL_IOC_STOP, Buffer.alloc(0)))).toMatchObject({ error: -Errno.EIO });
    expect(file.pending).toBe(0);
  });
});

describe('any bytes at all', () => {
  const RUNS = tries('F6');

  it('get an errno, an answer or nothing, and never more than one', { timeout: timeout('F6') }, async () => {
    const random = seeded('requests of any bytes');
    const pick = (below: number): number => random.int(below);
    const memory = fakeMemory(1 << 17);
    const node = fakeNetwork().node();
    const requests = new DeviceRequests({ node, memory, host: '', strictModule: pick(2) === 1 });
    /** Requests under a name, and their answers. */
    const asked = new Map<bigint, number>();
    const answered = new Map<bigint, number>();
    const count = (of: Map<bigint, number>, unique: bigint): number => {
      const now = (of.get(unique) ?? 0) + 1;
      of.set(unique, now);
      return now;
    };
    const file = new DeviceFile({
      ...{ uid: OWNER, gid: OWNER, mode: 0o600, allowOther: true },
      handle: (call) => requests.handle(call),
      processOf: (thread) => thread,
      signals: () => ({ killed: pick(8) === 0, meant: pick(2) === 1 }),
      send: (reply) => {
        const { unique, error } = readReply(reply);
        // A million times: `expect` takes longer than what it looks at.
        if (error > 0 || error <= -512) expect.unreachable(`${error} is no errno`);
        const answers = count(answered, unique);
        if (answers > (asked.get(unique) ?? 0)) expect.unreachable(`request ${unique} was answered ${answers} times`);
      },
    });
    const commands = [
      0x40025001, 0x40185002, 0x40185003, 0xc0185004, 0xc0105005, 0x40045006, 0x5007, 0xc0185008, 0x5401, 0xffffffff,
    ];
    const odd = [0, 1, 2, 3, 63, 64, 65, 255, 256, 9253, 65511, 65535, 65536, 0x10000, 0x7fffffff, 0xffffffff];
    const bytes = (count: number) => Buffer.from(Array.from({ length: count }, () => pick(256)));
    const struct = (size: number) => {
      const body = Buffer.alloc(size);
      for (let at = 0; at + 4 <= size; at += 4)
        body.writeUInt32LE(pick(4) === 0 ? pick(2 ** 32) : (odd[pick(odd.length)] ?? 0), at);
      return body;
    };
    for (let round = 0; round < RUNS; round++) {
      const unique = BigInt(2 * round + 2);
      let request: Buffer;
      const kind = pick(10);
      if (kind < 7) {
        const command = commands[pick(commands.length)] ?? 0;
        const size = pick(8) === 0 ? pick(64) : (command >>> 16) & 0x3fff;
        request = fuseRequest(39, ioctlBody(command, size > 64 ? bytes(64) : struct(size), pick(32)), {
          unique,
          pid: pick(3) * 50,
        });
      } else if (kind === 7) {
        const target = Buffer.alloc(8);
        target.writeBigUInt64LE(BigInt(2 * pick(round + 1) + 2));
        request = fuseRequest(36, target, { unique: unique | 1n });
      } else {
        request = fuseRequest(pick(kind === 8 ? 60 : 2 ** 32), bytes(pick(120)), { unique });
      }
      if (pick(4) === 0) request[pick(request.length)] = pick(256);
      if (pick(20) === 0) request = request.subarray(0, pick(request.length));
      if (request.length >= 16) count(asked, request.readBigUInt64LE(8));
      file.request(request);
      if (round % 500 === 0) await new Promise((settle) => setImmediate(settle));
    }
    await requests.close();
    file.abort(Errno.ECONNABORTED);
    expect(file.pending).toBe(0);
    expect(memory.pinned).toBe(0);
    expect(answered.size).toBeGreaterThan(RUNS / 4);
    const last = 10n ** 12n;
    count(asked, last);
    file.request(fuseRequest(39, ioctlBody(POOL_IOC_STOP, Buffer.alloc(0)), { unique: last }));
    await new Promise((settle) => setImmediate(settle));
    expect(answered.get(last)).toBe(1);
    reached('F6', RUNS);
  });
});
