import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import {
  POOL_IOC_CLOSE_SESS,
  POOL_IOC_CONNECT,
  POOL_IOC_RECV,
  POOL_IOC_SEND,
  POOL_IOC_SESSIONS,
  POOL_IOC_STOP,
} from '../../src/poolioc/abi/ioctl.js';
import { Device } from '../../src/poolioc/device.js';
import type { ExitGuard, ExitHook } from '../../src/poolioc/threads/exit.js';
import { closeSession } from '../../src/poolioc/requests.js';
import { syncDevice, type SyncDeviceOptions } from '../../src/poolioc/sync-device.js';
import { scripted, type ScriptOptions, type Step, tableOf, until } from './scripted.js';

/** A device for the end of a process that has `left` ms, beside the ordinary one. */
async function ending(steps: Record<number, Step[]>, left = 5000, options: ScriptOptions = {}) {
  const { script, device } = await scripted(steps, options);
  const sync = syncDevice({
    pool: script.pool,
    path: '/scripted',
    fd: 77,
    close: closeOf,
    left: () => left,
  });
  return { script, device, sync };
}

const closeOf: SyncDeviceOptions['close'] = ({ index, abort, thread }) =>
  closeSession(77, abort === true ? undefined : `scripted slot ${index}`, index, thread);

describe('the calls of a process that ends', () => {
  it('are made without the event loop', async () => {
    const row = Buffer.alloc(120);
    row.writeUInt32LE(9);
    const { script, device, sync } = await ending({
      [POOL_IOC_SESSIONS]: [{ struct: [0, 1, 0, 0, 0], data: [...row] }],
    });
    let turns = 0;
    setImmediate(() => (turns += 1));
    expect(sync.closeSessions(sync.sessions())).toEqual([9]);
    sync.stop();
    expect(turns).toBe(0);
    expect(script.calls(POOL_IOC_CLOSE_SESS)).toBe(1);
    await device.close();
  });

  it('wait longer than for others for the table, on which all else depends', async () => {
    const { device, sync } = await ending({ [POOL_IOC_SESSIONS]: [{ ...tableOf({ index: 9 }), ms: 300 }] });
    expect(sync.sessions().map(({ index }) => index)).toEqual([9]);
    await device.close();
  });

  it('fail with the errno that the device gives', async () => {
    const { device, sync } = await ending({
      [POOL_IOC_CLOSE_SESS]: [{ ret: -1, errno: constants.errno.EINVAL }],
      [POOL_IOC_STOP]: [{ ret: -1, errno: constants.errno.EINVAL }],
    });
    expect(sync.closeSessions([{ index: 3 }])).toEqual([]);
    expect(() => sync.stop()).toThrow(expect.objectContaining({ code: 'EINVAL', syscall: 'ioctl' }));
    await device.close();
  });

  it('never close a session that a SEND is in', async () => {
    const { script, device, sync } = await ending({ [POOL_IOC_SEND]: [{ block: true }] });
    const sending = device.sendBytes(3, 0, Uint8Array.of(1));
    await script.inside(1);
    expect(sync.closeSessions([{ index: 3 }, { index: 4 }])).toEqual([4]);
    expect(script.calls(POOL_IOC_CLOSE_SESS)).toBe(1);
    // To abort one is a served device's own way, and takes no turn.
    expect(sync.closeSessions([{ index: 3, abort: true }])).toEqual([3]);
    script.release();
    await sending;
    await device.close();
  });

  it('close a session whose SEND has just ended, though nothing tells of that any more', async () => {
    const { script, device, sync } = await ending({ [POOL_IOC_SEND]: [{ block: true }] });
    const sending = device.sendBytes(3, 0, Uint8Array.of(1));
    await script.inside(1);
    script.release();
    expect(sync.closeSessions([{ index: 3 }])).toEqual([3]);
    await sending;
    await device.close();
  });

  it('go to threads that are there, above all to those that were just interrupted', async () => {
    const { script, device, sync } = await ending({ [POOL_IOC_RECV]: [{ block: true }] }, 5000, {
      idleTimeout: 60_000,
    });
    const receiving = [0, 1, 2, 3].map((at) => device.recvBytes(at, 0, new Uint8Array(4)).catch(() => null));
    await script.inside(4);
    const before = script.pool.size;
    script.pool.interruptAll(2000);
    const sessions = Array.from({ length: 8 }, (_, index) => ({ index }));
    expect(sync.closeSessions(sessions)).toHaveLength(8);
    expect(script.pool.size).toBe(before);
    await Promise.all(receiving);
    await device.close();
  });

  it('tell of a CONNECT whose result nobody has heard of, whatever its thread was given since', async () => {
    const { script, device, sync } = await ending({ [POOL_IOC_CONNECT]: [{ ret: 6, block: true }] });
    const dialling = device.connect({ peerAddr: new Uint8Array(16), peerPort: 9253 });
    await script.inside(1);
    script.release();
    while (script.pool.anyInside);
    script.pool.interruptAll(2000);
    expect(sync.connected()).toEqual([6]);
    sync.stop();
    expect(sync.connected()).toEqual([6]);
    await dialling;
    await device.close();
  });

  it('tell of no CONNECT that was interrupted, and of none of another device', async () => {
    const { script, device, sync } = await ending({ [POOL_IOC_CONNECT]: [{ ret: 6, block: true }] });
    const dialling = device.connect({ peerAddr: new Uint8Array(16), peerPort: 9253 }).catch((error: unknown) => error);
    await script.inside(1);
    script.pool.interruptAll(2000);
    expect(sync.connected()).toEqual([]);
    expect(await dialling).toMatchObject({ code: 'EINTR' });
    const again = device.connect({ peerAddr: new Uint8Array(16), peerPort: 9253 });
    await script.inside(1);
    script.release();
    while (script.pool.anyInside);
    script.pool.interruptAll(2000);
    const other = syncDevice({ pool: script.pool, path: '/other', fd: 78, close: closeOf, left: () => 0 });
    expect([sync.connected(), other.connected()]).toEqual([[6], []]);
    await again;
    await device.close();
  });

  it('give up on one that hangs, and on that alone', async () => {
    const steps = [{ ret: 0 }, { block: true }, { ret: 0 }];
    const { script, device, sync } = await ending({ [POOL_IOC_CLOSE_SESS]: steps });
    expect(sync.closeSessions([{ index: 1 }, { index: 2 }, { index: 3 }])).toHaveLength(2);
    expect(script.pool.anyInside).toBe(true);
    script.release();
    await until(() => !script.pool.anyInside);
    await device.close();
  });

  it('leave out a session whose receiver thread is gone by then', async () => {
    const stats = { 104: '104 (pool_rx_4) S 2 0 0 0 -1' };
    const { script, device, sync } = await ending({}, 5000, { stats });
    const name = (index: number): string => `pool_rx_${index}`;
    const sessions = [3, 4].map((index) => ({ index, thread: { pid: 100 + index, name: name(index) } }));
    expect(sync.closeSessions(sessions)).toEqual([4]);
    expect(script.calls(POOL_IOC_CLOSE_SESS)).toBe(1);
    await device.close();
  });

  it('look for the receiver thread themselves on the module, where none is named', async () => {
    const files: Record<string, string> = { '2/comm': 'kthreadd', '2/task/2/children': '104' };
    const stats = { 104: '104 (pool_rx_4) S 2 0 0 0 -1' };
    const proc = { read: (path: string) => files[path] ?? (path === '104/stat' ? stats[104] : null), list: () => [] };
    const steps = { [POOL_IOC_SESSIONS]: [tableOf({ index: 3 }, { index: 4 })] };
    const { script, device: other } = await scripted(steps, { module: true, stats });
    const hooks: ExitHook[] = [];
    const exit = { onExit: (hook: ExitHook) => hooks.push(hook) } as unknown as ExitGuard;
    const device = await Device.open('/scripted', { workers: { pool: script.pool, exit }, proc });
    const closed: number[][] = [];
    device.onExit((sync) => closed.push(sync.closeSessions([{ index: 3 }, { index: 4 }])));
    for (const hook of hooks) hook(() => 5000);
    expect(closed).toEqual([[4]]);
    expect(script.calls(POOL_IOC_CLOSE_SESS)).toBe(1);
    await Promise.all([device.close(), other.close()]);
  });

  it('are not begun when no time is left', async () => {
    const { script, device, sync } = await ending({}, 0);
    expect(() => sync.stop()).toThrow(expect.objectContaining({ code: 'ERR_POOL_TIMEOUT' }));
    expect(script.pool.anyInside).toBe(false);
    await device.close();
  });
});
