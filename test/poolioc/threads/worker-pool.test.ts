import { lookup } from 'node:dns/promises';
import { readFile, readdir } from 'node:fs/promises';
import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { POOL_IOC_RECV, POOL_IOC_SEND, POOL_IOC_SESSIONS } from '../../../src/poolioc/abi/ioctl.js';
import type { ThreadClass } from '../../../src/poolioc/threads/thread-request.js';
import { SIGURG } from '../../../src/poolioc/libc.js';
import { sleepingFiles } from '../bundle.js';
import { scripted, until } from '../scripted.js';
import { sleep, sleeping } from '../sleeping.js';

const start = async (ms: number, module?: string) =>
  sleeping({ ...(await sleepingFiles()), ms, ...(module === undefined ? {} : { module }) });
/** ms that a call sleeps: far beyond what a test takes, so that only an interruption ends it in time. */
const LONG = 30_000;
const threads = async (): Promise<number> => (await readdir('/proc/self/task')).length;

describe('the worker pool, with real calls and signals', () => {
  it('gives back eight blocked calls at once, and lets fs and dns work meanwhile', async () => {
    const { pool, begun } = await start(LONG);
    const calls = Array.from({ length: 8 }, () => pool.submit(sleep('receive')));
    await until(() => begun() === 8);
    // Each of them would wait for one of libuv's four threads.
    await Promise.all([readFile(new URL(import.meta.url)), lookup('localhost')]);
    expect(calls.some((call) => call.settled)).toBe(false);
    const reason = new Error('enough');
    const began = performance.now();
    for (const call of calls) call.cancel({ reason });
    const outcomes = await Promise.allSettled(calls.map(({ promise }) => promise));
    expect(outcomes).toEqual(Array(8).fill({ status: 'rejected', reason }));
    await Promise.all(calls.map(({ ended }) => ended));
    expect(performance.now() - began).toBeLessThan(LONG / 3);
  });

  it('still interrupts after the program has handled SIGURG itself', async () => {
    const { pool, begun } = await start(LONG);
    const call = pool.submit(sleep('receive'));
    await until(() => begun() === 1);
    // Node installs its handler with SA_RESTART.
    const handler = (): void => {};
    process.on('SIGURG', handler);
    call.cancel({ reason: 'enough' });
    await expect(call.promise).rejects.toBe('enough');
    await call.ended;
    process.off('SIGURG', handler);
  });

  it.each(['send', 'close'] as ThreadClass[])(
    'never interrupts the lane %s, not even by a signal from elsewhere',
    async (lane) => {
      const { pool, libc, begun, lastThread } = await start(300);
      const call = pool.submit(sleep(lane));
      await until(() => begun() === 1);
      pool.interruptAll(10);
      for (let at = 0; at < 10; at += 1) libc.tgkill(process.pid, lastThread(), SIGURG);
      expect(await call.promise).toMatchObject({ ret: 0 });
    },
  );

  it('interrupts the others by the same signal', async () => {
    const { pool, libc, begun, lastThread } = await start(LONG);
    const call = pool.submit(sleep('receive'));
    await until(() => begun() === 1);
    libc.interruptBy(SIGURG);
    await until(() => {
      libc.tgkill(process.pid, lastThread(), SIGURG);
      return call.settled;
    });
    expect(await call.promise).toEqual({ ret: -1, errno: constants.errno.EINTR });
  });

  it('has as many threads as before when all were idle for a while', async () => {
    const { pool } = await start(0);
    const round = () => Promise.all(Array.from({ length: 4 }, () => pool.submit(sleep('receive')).promise));
    await round();
    await until(() => pool.size === 0);
    const before = await threads();
    for (let at = 0; at < 5; at += 1) {
      await round();
      await until(() => pool.size === 0);
    }
    await expect.poll(threads, { timeout: 20_000 }).toBeLessThanOrEqual(before);
  });

  it('rejects what a thread was doing that died, and goes on with another', async () => {
    const missing = new URL('gone.mjs', import.meta.url).href;
    const { pool } = await start(0, missing);
    for (let at = 0; at < 2; at += 1) {
      const failed = pool.submit(sleep('control')).promise;
      await expect(failed).rejects.toMatchObject({ code: 'ERR_MODULE_NOT_FOUND', syscall: 'worker' });
    }
  });

  it('makes a call without the event loop, and gives up on one that hangs', async () => {
    const { pool } = await start(0);
    expect(pool.callSync([sleep('close')], 5000)).toMatchObject([{ ret: 0 }]);
    const slow = await start(500);
    expect(slow.pool.callSync([sleep('close')], 5)).toEqual([null]);
  });
});

describe('the worker pool, with a scripted libc', () => {
  it('starts threads when they are needed, uses them again, and no more than the lane has', async () => {
    const { script, device } = await scripted(
      { [POOL_IOC_RECV]: [{ block: true }] },
      { limits: { receive: 3 }, idleTimeout: 60_000 },
    );
    const calls = Array.from({ length: 5 }, (_, at) => device.recvBytes(at, 0, new Uint8Array(4)));
    await script.inside(3);
    for (let at = 0; at < 3; at += 1) await device.sessions({ timeout: 20_000 }).catch(() => {});
    await device.sendBytes(0, 0, Uint8Array.of(1));
    // Control, three that receive, one that sends.
    expect(script.pool.size).toBe(5);
    expect(script.calls(POOL_IOC_SESSIONS)).toBeGreaterThan(0);
    script.release();
    await Promise.all(calls);
    expect(script.mostInside).toBe(3);
    expect(script.calls(POOL_IOC_RECV)).toBe(5);
    expect(script.pool.size).toBe(5);
    await device.close();
    script.pool.retireIdle();
  });

  it('forgets a call that was taken back while it waited', async () => {
    const { script, device } = await scripted({ [POOL_IOC_RECV]: [{ block: true }] }, { limits: { receive: 1 } });
    const first = device.recvBytes(0, 0, new Uint8Array(4));
    await script.inside(1);
    expect(await device.recvBytes(1, 0, new Uint8Array(4), { timeout: 1 })).toBeNull();
    script.release();
    await first;
    await device.sessions().catch(() => {});
    expect(script.calls(POOL_IOC_RECV)).toBe(1);
    await device.close();
  });

  it('copies a message that waits for a thread', async () => {
    const { script, device } = await scripted({ [POOL_IOC_SEND]: [{ block: true }] });
    const buffer = Uint8Array.of(1);
    const sends = [device.sendBytes(0, 0, buffer), device.sendBytes(0, 0, buffer)];
    buffer[0] = 99;
    await script.inside(1);
    script.release();
    await Promise.all(sends);
    expect(script.sent()).toEqual([1, 1]);
    await device.close();
  });
});
