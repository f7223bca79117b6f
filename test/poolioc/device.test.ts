import { readdirSync } from 'node:fs';
import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { PoolError } from '../../src/base/errors.js';
import { AF_INET, AF_INET6, CLOSE_ABORT, SessionState } from '../../src/poolioc/abi/constants.js';
import {
  POOL_IOC_CHANNEL,
  POOL_IOC_CLOSE_SESS,
  POOL_IOC_CONNECT,
  POOL_IOC_LISTEN,
  POOL_IOC_RECV,
  POOL_IOC_SEND,
  POOL_IOC_SESSIONS,
} from '../../src/poolioc/abi/ioctl.js';
import { Device } from '../../src/poolioc/device.js';
import type { ExitGuard, ExitHook } from '../../src/poolioc/threads/exit.js';
import { ipv4ToMapped } from '../../src/poolioc/abi/mapped.js';
import type { SessionToClose } from '../../src/poolioc/types.js';
import { scripted, type Script, type Step, tableOf, until } from './scripted.js';

const { errno } = constants;
const code = (error: unknown): unknown => (error as PoolError).code;
const peer = { peerAddr: ipv4ToMapped('127.0.0.1'), peerPort: 9253 };

describe('a device', () => {
  it('gives results, and errno, code and syscall of failures', async () => {
    const { device } = await scripted({
      [POOL_IOC_CONNECT]: [{ ret: 7 }, { ret: -1, errno: errno.ECONNREFUSED }, { ret: -1, errno: errno.ENOSPC }],
      [POOL_IOC_LISTEN]: [{ ret: -1, errno: errno.EADDRINUSE }],
    });
    expect(await device.connect(peer)).toBe(7);
    const refused = await device.connect(peer).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(PoolError);
    expect(refused).toMatchObject({
      code: 'ECONNREFUSED',
      errno: -errno.ECONNREFUSED,
      syscall: 'ioctl',
      address: '127.0.0.1',
      port: 9253,
      message: 'connect to 127.0.0.1:9253 on /scripted: connection refused (ECONNREFUSED)',
    });
    expect((refused as Error).stack).toContain('device.test.ts');
    await expect(device.connect(peer)).rejects.toMatchObject({ code: 'ERR_POOL_SESSION_FULL', errno: -errno.ENOSPC });
    await expect(device.listen(9253)).rejects.toMatchObject({ code: 'EADDRINUSE', port: 9253 });
    await device.close();
  });

  // Kernel contract, hazard 1: with AF_INET in the struct the kernel crashes.
  it('dials IPv4 mapped into IPv6, with family 10 and version 0, whatever family it is given', async () => {
    const { script, device } = await scripted({ [POOL_IOC_CONNECT]: [{ ret: 7 }] });
    for (const addrFamily of [undefined, AF_INET, AF_INET6]) {
      await device.connect({ peerAddr: ipv4ToMapped('10.0.0.1'), peerPort: 9253, addrFamily });
      // pool_connect_req: peer_addr, peer_port, addr_family, pool_version, reserved.
      const expected = '00000000000000000000ffff0a000001' + '2524' + '0a' + '00' + '00000000';
      expect(script.struct(POOL_IOC_CONNECT).toString('hex')).toBe(expected);
    }
    await expect(device.connect({ ...peer, addrFamily: 0 })).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
    const linkLocal = { peerAddr: Uint8Array.of(0xfe, 0x80, ...new Uint8Array(13), 1), peerPort: 9253 };
    await expect(device.connect(linkLocal)).rejects.toMatchObject({ code: 'ERR_POOL_INVALID_ADDRESS' });
    expect(script.calls(POOL_IOC_CONNECT)).toBe(3);
    await device.close();
  });

  // LISTEN opens a port that can't be learned (kernel contract, section 2).
  it('does not LISTEN on port 0', async () => {
    const { script, device } = await scripted({});
    await expect(device.listen(0)).rejects.toMatchObject({ code: 'ERR_OUT_OF_RANGE' });
    expect(script.calls(POOL_IOC_LISTEN)).toBe(0);
    await device.close();
  });

  // Kernel contract, hazard 6.
  it.each([
    { file: "the module's", module: true, longest: 65511 },
    { file: 'one that is served', module: false, longest: 65535 },
  ])('sends at most $longest bytes on $file', async ({ module, longest }) => {
    const { script, device } = await scripted({}, { module });
    await device.sendBytes(0, 0, new Uint8Array(longest));
    const tooLong = device.sendBytes(0, 0, new Uint8Array(longest + 1));
    await expect(tooLong).rejects.toMatchObject({ code: 'ERR_POOL_MESSAGE_TOO_LARGE' });
    expect(script.calls(POOL_IOC_SEND)).toBe(1);
    await device.close();
  });

  it('receives into the buffer, an empty message too', async () => {
    const { device } = await scripted({
      [POOL_IOC_RECV]: [
        { struct: [8, 3, 0, 0, 0], data: [9, 8, 7] },
        { struct: [8, 0, 0, 0, 0] },
        { ret: -1, errno: errno.EMSGSIZE },
        { ret: -1, errno: errno.ETIMEDOUT },
      ],
    });
    const buffer = new Uint8Array(8);
    expect(await device.recvBytes(3, 5, buffer)).toBe(3);
    expect([...buffer]).toEqual([9, 8, 7, 0, 0, 0, 0, 0]);
    expect(await device.recv({ sessionIdx: 3, channel: 5, data: buffer })).toEqual({ len: 0, channel: 5, flags: 0 });
    await expect(device.recvBytes(3, 0, buffer)).rejects.toMatchObject({ code: 'ERR_POOL_MESSAGE_TOO_LARGE' });
    await expect(device.recvBytes(3, 0, buffer)).rejects.toMatchObject({ code: 'ETIMEDOUT', timeout: true });
    await device.close();
  });

  it.each<[string, () => { buffer: Uint8Array; take: () => void }]>([
    [
      'detached',
      () => {
        const buffer = new Uint8Array(8);
        return {
          buffer,
          take: () => void structuredClone(buffer.buffer, { transfer: [buffer.buffer] }),
        };
      },
    ],
    [
      'shrunk',
      () => {
        const memory = Reflect.construct(ArrayBuffer, [8, { maxByteLength: 8 }]) as ArrayBuffer & {
          resize(to: number): void;
        };
        return { buffer: new Uint8Array(memory), take: () => memory.resize(2) };
      },
    ],
  ])('keeps a message whose buffer was %s while the call waited, for the next receive', async (_, make) => {
    const { script, device } = await scripted({
      [POOL_IOC_RECV]: [
        { block: true, struct: [8, 3, 0, 0, 0], data: [9, 8, 7] },
        { struct: [8, 1, 0, 0, 0], data: [1] },
      ],
    });
    const { buffer, take } = make();
    const pending = device.recvBytes(3, 5, buffer).catch((error: unknown) => error);
    await script.inside(1);
    take();
    script.release();
    expect(await pending).toMatchObject({
      code: 'ERR_INVALID_ARG_VALUE',
      message: expect.stringMatching(
        /^receive from session 3: .*detached or shrank.*next receive takes the 3 bytes$/,
      ) as string,
    });
    // It waits for a buffer that is large enough, as those of the device do.
    await expect(device.recvBytes(3, 5, new Uint8Array(2))).rejects.toMatchObject({ code: 'EMSGSIZE' });
    const large = new Uint8Array(4);
    expect(await device.recvBytes(3, 5, large)).toBe(3);
    expect([...large]).toEqual([9, 8, 7, 0]);
    expect(script.calls(POOL_IOC_RECV)).toBe(1);
    expect(await device.recvBytes(3, 5, large)).toBe(1);
    expect(large[0]).toBe(1);
    await device.close();
  });

  it('says what to do about a file that is missing or no device', async () => {
    const { script, device } = await scripted({ [POOL_IOC_SESSIONS]: [{ ret: -1, errno: errno.ENOTTY }] });
    await expect(device.sessions()).rejects.toMatchObject({
      code: 'ENOTTY',
      message: expect.stringContaining('no POOL device') as string,
    });
    const { Device } = await import('../../src/poolioc/device.js');
    const workers = { pool: script.pool, exit: script.exit };
    const missing = await Device.open('/missing', { workers }).catch((error: unknown) => error);
    expect(missing).toMatchObject({ code: 'ENOENT', syscall: 'open', errno: -errno.ENOENT });
    expect((missing as Error).message).toMatch(/modprobe pool.*npx pool-ts device.*backend 'user'/);
    await device.close();
  });

  it('takes a blocked RECV back by signal and by timeout, and gives a message that was faster', async () => {
    const { script, device } = await scripted({
      [POOL_IOC_RECV]: [
        { block: true, deaf: 3 },
        { block: true },
        { block: true, struct: [8, 1, 0, 0, 0], data: [42] },
      ],
    });
    const buffer = new Uint8Array(4);
    const aborted = new AbortController();
    const first = device.recvBytes(0, 0, buffer, { signal: aborted.signal });
    await script.inside(1);
    const reason = new Error('enough');
    aborted.abort(reason);
    await expect(first).rejects.toBe(reason);
    // It didn't hear three of them: they are sent until the thread comes back.
    expect(script.signals).toBeGreaterThanOrEqual(4);
    expect(await device.recvBytes(0, 0, buffer, { timeout: 5 })).toBeNull();
    const late = new AbortController();
    const third = device.recvBytes(0, 0, buffer, { signal: late.signal });
    await script.inside(1);
    script.release();
    late.abort();
    expect(await third).toBe(1);
    expect(buffer[0]).toBe(42);
    await device.close();
  });

  it('does not begin a call whose signal is aborted already', async () => {
    const { script, device } = await scripted({});
    const reason = new Error('no');
    await expect(device.sessions({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(script.calls(POOL_IOC_SESSIONS)).toBe(0);
    await device.close();
  });

  it('makes an interrupted RECV again, but neither SEND, CONNECT nor CLOSE_SESS', async () => {
    const stray = { ret: -1, errno: errno.EINTR };
    const { script, device } = await scripted({
      [POOL_IOC_RECV]: [stray, stray, { struct: [8, 2, 0, 0, 0], data: [1, 2] }],
      [POOL_IOC_SEND]: [stray, {}],
      [POOL_IOC_CONNECT]: [stray, { ret: 1 }],
      [POOL_IOC_CLOSE_SESS]: [stray, {}],
    });
    expect(await device.recvBytes(0, 0, new Uint8Array(4))).toBe(2);
    await expect(device.sendBytes(0, 0, Uint8Array.of(1))).rejects.toMatchObject({ code: 'EINTR' });
    await expect(device.connect(peer)).rejects.toMatchObject({ code: 'EINTR' });
    expect(script.calls(POOL_IOC_RECV)).toBe(3);
    expect(script.calls(POOL_IOC_SEND)).toBe(1);
    expect(script.calls(POOL_IOC_CONNECT)).toBe(1);
    await expect(device.closeSession(0)).rejects.toMatchObject({ code: 'EINTR' });
    expect(script.calls(POOL_IOC_CLOSE_SESS)).toBe(1);
    await device.close();
  });

  it('tells of a session that came after its connect was given up', async () => {
    const { script, device } = await scripted({ [POOL_IOC_CONNECT]: [{ block: true, deaf: 1e9, ret: 11 }] });
    const late: number[] = [];
    const giveUp = new AbortController();
    const dial = device.connect(peer, { signal: giveUp.signal, onLate: (index) => late.push(index) });
    await script.inside(1);
    giveUp.abort();
    await expect(dial).rejects.toMatchObject({ name: 'AbortError' });
    expect(late).toEqual([]);
    script.release();
    await until(() => late.length > 0);
    expect(late).toEqual([11]);
    await device.close();
  });

  it('hands over a message that came after its RECV was given up', async () => {
    const { script, device } = await scripted({
      [POOL_IOC_RECV]: [{ block: true, deaf: 1e9, struct: [8, 2, 0, 0, 0], data: [5, 6] }],
    });
    const buffer = new Uint8Array(4);
    const late: Uint8Array[] = [];
    const giveUp = new AbortController();
    const receive = device.recvBytes(0, 0, buffer, {
      signal: giveUp.signal,
      onLate: (message) => late.push(message),
    });
    await script.inside(1);
    giveUp.abort();
    await expect(receive).rejects.toMatchObject({ name: 'AbortError' });
    script.release();
    await until(() => late.length > 0);
    expect([...late[0]!]).toEqual([5, 6]);
    expect([...buffer]).toEqual([0, 0, 0, 0]);
    await device.close();
  });

  it('never signals a thread in SEND: its promise settles, the call goes on', async () => {
    const { script, device } = await scripted({ [POOL_IOC_SEND]: [{ block: true }] });
    const message = Uint8Array.of(1);
    await expect(device.sendBytes(0, 0, message, { timeout: 5 })).rejects.toMatchObject({ code: 'ERR_POOL_TIMEOUT' });
    const signal = AbortSignal.timeout(5);
    await expect(device.sendBytes(1, 0, message, { signal })).rejects.toMatchObject({ name: 'TimeoutError' });
    await script.inside(2);
    script.pool.interruptAll(5);
    expect(script.signals).toBe(0);
    await script.inside(2);
    script.release();
    await script.inside(0);
    await device.close();
  });

  it('makes no CLOSE_SESS on a slot, and no other SEND, while a SEND is inside', async () => {
    const { script, device } = await scripted({ [POOL_IOC_SEND]: [{ block: true }] });
    const sending = device.sendBytes(4, 0, Uint8Array.of(1));
    await script.inside(1);
    const buffer = Uint8Array.of(2);
    const second = device.sendBytes(4, 0, buffer);
    const closing = device.closeSession(4);
    await device.closeSession(5);
    await expect(device.closeSession(4, { timeout: 5 })).rejects.toMatchObject({ code: 'ERR_POOL_TIMEOUT' });
    expect(script.calls(POOL_IOC_CLOSE_SESS)).toBe(1);
    expect(script.calls(POOL_IOC_SEND)).toBe(1);
    script.release();
    await Promise.all([sending, second, closing]);
    expect(script.calls(POOL_IOC_CLOSE_SESS)).toBe(2);
    expect(script.calls(POOL_IOC_SEND)).toBe(2);
    await device.close();
  });

  // Kernel contract, hazard 2.
  it.each([
    { seen: 'lives', stat: '104 (pool_rx_4) S 2 0 0 0 -1', calls: 1 },
    { seen: 'is gone', stat: undefined, calls: 0 },
    { seen: 'can’t be looked for', stat: '', calls: 0 },
    { seen: 'has ended and is not yet reaped', stat: '104 (pool_rx_4) Z 2 0 0 0 -1', calls: 0 },
    { seen: 'is of another slot', stat: '104 (pool_rx_5) S 2 0 0 0 -1', calls: 0 },
    { seen: 'is a program of that name', stat: '104 (pool_rx_4) S 1 104 104 0 -1', calls: 0 },
  ])('looks for the receiver thread right before CLOSE_SESS: it $seen', async ({ stat, calls }) => {
    const { script, device } = await scripted({}, { stats: stat === undefined ? {} : { 104: stat } });
    const closing = device.closeSession(4, { thread: { pid: 104, name: 'pool_rx_4' } });
    const outcome = await closing.catch((error: unknown) => error);
    if (calls === 0) expect(outcome).toMatchObject({ code: stat === '' ? 'EAGAIN' : 'ESRCH', syscall: 'ioctl' });
    expect(script.calls(POOL_IOC_CLOSE_SESS)).toBe(calls);
    await device.close();
  });

  // Kernel contract, hazard 2: closing one end of a session ends the thread of the other.
  describe('on the module', () => {
    const slots = [3, 4, 5];
    const stats = Object.fromEntries(slots.map((index) => [100 + index, `${100 + index} (pool_rx_${index}) S 2 0`]));
    const threadOf = (index: number) => ({ pid: 100 + index, name: `pool_rx_${index}` });
    const onModule = (steps: Record<number, Step[]> = {}) =>
      scripted(
        { [POOL_IOC_SESSIONS]: [tableOf(...slots.map((index) => ({ index })))], ...steps },
        { module: true, stats },
      );

    it('closes one session at a time, until one hangs for too long', async () => {
      const { script, device } = await onModule({ [POOL_IOC_CLOSE_SESS]: [{ block: true, deaf: 1e9, slot: 3 }] });
      const begun: number[] = [];
      const close = (index: number) =>
        device.closeSession(index, { thread: threadOf(index), onCall: () => begun.push(index) });
      const first = close(3);
      await script.inside(1);
      const others = Promise.all([close(4), close(5)]);
      expect([script.calls(POOL_IOC_CLOSE_SESS), script.lock]).toEqual([1, 1]);
      // Hazard 12: it gives up its turn, the other two have theirs, and nobody holds the lock.
      await others;
      expect([begun, script.lock]).toEqual([[3, 4, 5], 0]);
      script.release();
      await first;
      await device.close();
    });

    it('leaves the other end of a session alone that it is closing or has closed', async () => {
      const pair = tableOf({ index: 3, id: 9 }, { index: 4, id: 9 });
      const closing = tableOf({ index: 3, id: 9 }, { index: 4, id: 9, state: SessionState.CLOSING });
      const rest = tableOf({ index: 4, id: 9 });
      const { script, device } = await onModule({ [POOL_IOC_SESSIONS]: [pair, closing, rest] });
      const outcomes = await Promise.allSettled([
        device.closeSession(3, { thread: threadOf(3) }),
        device.closeSession(4, { thread: threadOf(4) }),
      ]);
      expect(outcomes).toMatchObject([{ status: 'fulfilled' }, { reason: { code: 'ESRCH' } }]);
      expect(script.calls(POOL_IOC_CLOSE_SESS)).toBe(1);
      await device.close();
    });

    it('waits while another program closes', async () => {
      const { script, device } = await onModule();
      script.lock = 2;
      let begun = false;
      const closing = device.closeSession(3, { thread: threadOf(3), onCall: () => (begun = true) });
      // A call that comes after it is made before it.
      await device.sessions();
      expect([begun, script.calls(POOL_IOC_CLOSE_SESS)]).toEqual([false, 0]);
      script.lock = 0;
      await closing;
      expect([begun, script.lock]).toEqual([true, 0]);
      await device.close();
    });

    it('does the same at the end of the process', async () => {
      const { script, device } = await onModule({ [POOL_IOC_CLOSE_SESS]: [{ block: true, deaf: 1e9, slot: 3 }] });
      const hanging = device.closeSession(3, { thread: threadOf(3) });
      await script.inside(1);
      const hooks: ExitHook[] = [];
      const exit = { onExit: (hook: ExitHook) => hooks.push(hook) } as unknown as ExitGuard;
      const ending = await Device.open('/scripted', { workers: { pool: script.pool, exit } });
      const closed: number[][] = [];
      const sessions = slots.map((index) => ({ index, thread: threadOf(index) }));
      ending.onExit((sync) => closed.push(sync.closeSessions(sessions)));
      for (const hook of hooks) hook(() => 60_000);
      expect([closed, script.lock]).toEqual([[[4, 5]], 0]);
      script.release();
      await hanging;
      await Promise.all([device.close(), ending.close()]);
    });

    /** The end of a process that closes sessions; `left` as its hook gets it. */
    const endOf = async (script: Script, sessions: SessionToClose[], left: () => number) => {
      const hooks: ExitHook[] = [];
      const exit = { onExit: (hook: ExitHook) => hooks.push(hook) } as unknown as ExitGuard;
      const ending = await Device.open('/scripted', { workers: { pool: script.pool, exit } });
      const closed: number[][] = [];
      ending.onExit((sync) => closed.push(sync.closeSessions(sessions)));
      for (const hook of hooks) hook(left);
      return { closed, ending };
    };

    it('makes no second CLOSE_SESS at the end beside one that has waited for its turn', async () => {
      const { script, device } = await onModule({ [POOL_IOC_CLOSE_SESS]: [{ block: true, deaf: 1e9 }] });
      script.lock = 2;
      const waiting = device.closeSession(3, { thread: threadOf(3) }).catch(() => {});
      await until(() => script.refused > 0);
      const session = {
        index: 4,
        // The other program is done when this one is about to close.
        get thread() {
          script.lock = 0;
          return threadOf(4);
        },
      };
      const { closed, ending } = await endOf(script, [session], () => 60_000);
      expect([closed, script.calls(POOL_IOC_CLOSE_SESS), script.mostInside]).toEqual([[[]], 1, 1]);
      script.release();
      await waiting;
      await Promise.all([device.close(), ending.close()]);
    });

    it('counts as closed at the end what a thread of the process has closed meanwhile', async () => {
      const { script, device } = await onModule();
      // Gone, or the slot's next session.
      const sessions = [2, 3, 4].map((index) => ({
        index,
        thread: threadOf(index),
        sessionId: new Uint8Array(16).fill(index === 3 ? 99 : index + 1),
      }));
      const { closed, ending } = await endOf(script, sessions, () => 60_000);
      expect([closed, script.calls(POOL_IOC_CLOSE_SESS)]).toEqual([[[2, 3, 4]], 1]);
      await Promise.all([device.close(), ending.close()]);
    });

    it('closes nothing at the end while a thread looks that has the turn, and leaves it the turn', async () => {
      const look = { ...tableOf({ index: 3 }, { index: 4 }), block: true, deaf: 1e9 };
      const { script, device } = await onModule({ [POOL_IOC_SESSIONS]: [look] });
      const looking = device.closeSession(3, { thread: threadOf(3) });
      await script.inside(1);
      let looks = 0;
      const { closed, ending } = await endOf(script, [{ index: 4, thread: threadOf(4) }], () =>
        (looks += 1) < 200 ? 60_000 : 0,
      );
      expect([closed, script.calls(POOL_IOC_SESSIONS), script.lock]).toEqual([[[]], 1, 1]);
      script.release();
      await looking;
      expect([script.calls(POOL_IOC_CLOSE_SESS), script.lock]).toEqual([1, 0]);
      await Promise.all([device.close(), ending.close()]);
    });
  });

  it('has a thread ready that closes', async () => {
    const { script, device } = await scripted({}, { idleTimeout: 5 });
    device.readyToClose();
    device.readyToClose();
    // The one that opened the device comes to its end.
    await until(() => script.pool.size === 1);
    await device.closeSession(3);
    expect(script.pool.size).toBe(2);
    await until(() => script.pool.size === 1);
    await device.close();
  });

  // Kernel contract, hazard 2.
  it.each([
    { threads: 'lives', comm: 'kthreadd', stat: '104 (pool_rx_4) S 2 0 0 0 -1', calls: 1 },
    { threads: 'has ended', comm: 'kthreadd', stat: '104 (pool_rx_5) S 2 0 0 0 -1', calls: 0 },
    { threads: 'can’t be seen', comm: 'init', stat: '104 (pool_rx_4) S 2 0 0 0 -1', calls: 0 },
  ])('looks for the receiver thread itself on the module, where it $threads', async ({ comm, stat, calls }) => {
    const files: Record<string, string> = { '2/comm': comm, '2/task/2/children': '104', '104/stat': stat };
    const proc = { read: (path: string) => files[path] ?? null, list: () => [] };
    const steps = { [POOL_IOC_SESSIONS]: [tableOf({ index: 4 })] };
    const { script, device } = await scripted(steps, { module: true, stats: { 104: stat }, proc });
    const outcome = await device.closeSession(4).catch((error: unknown) => error);
    if (calls === 0) expect(outcome).toMatchObject({ code: 'ESRCH', syscall: 'ioctl' });
    expect(script.calls(POOL_IOC_CLOSE_SESS)).toBe(calls);
    await device.close();
  });

  it('knows no threads of a device that is served, and asks only such a one to abort', async () => {
    const proc = { read: () => null, list: () => [] };
    const { script, device } = await scripted({}, { proc });
    await device.closeSession(4, { abort: true });
    expect(script.struct(POOL_IOC_CLOSE_SESS).readUInt32LE()).toBe(4 + CLOSE_ABORT);
    await device.close();
    // The module has no session of that number.
    const steps = { [POOL_IOC_SESSIONS]: [tableOf({ index: 4 })] };
    const onModule = await scripted(steps, { module: true, stats: { 104: '104 (pool_rx_4) S 2 0' } });
    await onModule.device.closeSession(4, { abort: true, thread: { pid: 104, name: 'pool_rx_4' } });
    expect(onModule.script.struct(POOL_IOC_CLOSE_SESS).readUInt32LE()).toBe(4);
    await onModule.device.close();
  });

  it('takes all calls back on close, and closes the descriptor when the last thread is out', async () => {
    const { script, device } = await scripted({
      [POOL_IOC_RECV]: [{ block: true }],
      // The script's signals reach every call, and a SEND's thread blocks them.
      [POOL_IOC_SEND]: [{ block: true, deaf: 1e9 }],
    });
    const calls = [
      device.recvBytes(0, 0, new Uint8Array(4)),
      device.recvBytes(1, 0, new Uint8Array(4)),
      device.sendBytes(2, 0, Uint8Array.of(1)),
    ].map((call) => call.catch(code));
    await script.inside(3);
    const closed = device.close();
    expect(device.fd).toBe(-1);
    expect(await Promise.all(calls)).toEqual(['ERR_POOL_CLOSED', 'ERR_POOL_CLOSED', 'ERR_POOL_CLOSED']);
    await closed;
    expect(script.closed).toBe(0);
    script.release();
    await until(() => script.closed === 1);
    await expect(device.sessions()).rejects.toMatchObject({ code: 'ERR_POOL_CLOSED' });
    expect(device.close()).toBe(closed);
  });

  it('lists, sets and clears channels', async () => {
    const { device } = await scripted({
      [POOL_IOC_CHANNEL]: [{}, {}, { data: [1, ...Array<number>(30).fill(0), 128] }],
    });
    await device.channelSubscribe(0, 5);
    await device.channelUnsubscribe(0, 5);
    const bitmap = await device.channelList(0);
    expect([bitmap.length, bitmap[0], bitmap[31]]).toEqual([32, 1, 128]);
    await device.close();
  });

  it.each([
    ['120', 120, false],
    ['128', 128, true],
  ])('decodes rows of %s bytes', async (_, stride, digest) => {
    const rows = [0, 1].flatMap((index) => {
      const row = Buffer.alloc(stride);
      row.writeUInt32LE(index + 10, 0);
      row.writeBigUInt64LE(2n ** 53n + 1n, 40);
      row.writeBigUInt64LE(2n ** 64n - 1n, 104);
      row.writeUInt32LE(7, 116);
      if (digest) row.writeUInt32LE(0xdeadbeef, 120);
      return [...row];
    });
    const { device } = await scripted({ [POOL_IOC_SESSIONS]: [{ struct: [0, 2, 0, 0, 0], data: rows }] });
    const sessions = await device.sessions();
    expect(sessions.map(({ index }) => index)).toEqual([10, 11]);
    expect(sessions[1]).toMatchObject({
      bytesSent: 2n ** 53n + 1n,
      telemetry: { uptimeNs: 2n ** 64n - 1n, configVersion: 7 },
    });
    expect(sessions[1]!.telemetry.stateDigest).toBe(digest ? 0xdeadbeef : undefined);
    await device.close();
  });

  it('is not misled by a table that ends in the sentinel', async () => {
    const { script, device } = await scripted({
      [POOL_IOC_SESSIONS]: [{ struct: [0, 1, 0, 0, 0], fill: [120, 0xa5] }],
    });
    expect(await device.sessions()).toHaveLength(1);
    expect(script.calls(POOL_IOC_SESSIONS)).toBe(2);
    await device.close();
  });

  it.each([
    ['longer', 2, 272],
    ['shorter', 2, 232],
    ['of no length', 1, 0],
    ['more than the table has', 65, 65 * 120],
  ])('refuses rows that are %s', async (_, count, written) => {
    const { device } = await scripted({ [POOL_IOC_SESSIONS]: [{ struct: [0, count, 0, 0, 0], fill: [written, 1] }] });
    await expect(device.sessions()).rejects.toMatchObject({ code: 'ERR_POOL_ABI_MISMATCH' });
    await device.close();
  });

  it('reads an empty table', async () => {
    const { device } = await scripted({ [POOL_IOC_SESSIONS]: [{ struct: [0, 0, 0, 0, 0] }] });
    expect(await device.sessions()).toEqual([]);
    await device.close();
  });

  it('leaves nothing behind after many opens and closes', async () => {
    const { script, device } = await scripted({}, { idleTimeout: 60_000 });
    const { Device } = await import('../../src/poolioc/device.js');
    const workers = { pool: script.pool, exit: script.exit };
    const threads = (): number => readdirSync('/proc/self/task').length;
    // STOP has a thread of its own kind, beside the one that opens.
    await device.stop();
    const before = threads();
    for (let at = 0; at < 500; at += 1) {
      const other = await Device.open('/scripted', { workers });
      await other.stop();
      await other.close();
    }
    expect(script.closed).toBe(500);
    expect(script.pool.size).toBe(2);
    expect(threads()).toBeLessThanOrEqual(before);
    await device.close();
    script.pool.retireIdle();
  });

  // Kernel contract, hazard 12: a CLOSE_SESS may hang for ever, and a session must be closed whatever else hangs.
  describe('whose calls hang', () => {
    const limits = { control: 1, close: 1 };
    const timeout = 10_000;

    it('closes sessions while another call hangs', async () => {
      const { script, device } = await scripted({ [POOL_IOC_SESSIONS]: [{ block: true }] }, { limits });
      const hanging = device.sessions();
      await script.inside(1);
      await device.closeSession(2, { timeout });
      script.release();
      await hanging;
      await device.close();
    });

    it('makes other calls while CLOSE_SESS hangs', async () => {
      const { script, device } = await scripted({ [POOL_IOC_CLOSE_SESS]: [{ block: true }] }, { limits });
      const hanging = device.closeSession(1);
      await script.inside(1);
      await device.channelSubscribe(2, 5, { timeout });
      script.release();
      await hanging;
      await device.close();
    });
  });
});
