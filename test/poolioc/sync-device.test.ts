import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { POOL_IOC_CLOSE_SESS, POOL_IOC_SEND, POOL_IOC_SESSIONS } from '../../src/poolioc/ioctl.js';
import { syncDevice } from '../../src/poolioc/sync-device.js';
import { scripted, type Step } from './scripted.js';

/** A device for the end of a process that has `left` ms, beside the ordinary one. */
async function ending(steps: Record<number, Step[]>, left = 5000) {
  const { script, device } = await scripted(steps);
  const slotKey = (index: number): string => `scripted slot ${index}`;
  const sync = syncDevice({
    pool: script.pool,
    path: '/scripted',
    fd: 77,
    slotKey,
    left: () => left,
    callTimeout: left,
  });
  return { script, device, sync };
}

describe('the calls of a process that ends', () => {
  it('are made without the event loop', async () => {
    const row = Buffer.alloc(120);
    row.writeUInt32LE(9);
    const { script, device, sync } = await ending({
      [POOL_IOC_SESSIONS]: [{ struct: [0, 1, 0, 0, 0], data: [...row] }],
    });
    let turns = 0;
    setImmediate(() => (turns += 1));
    for (const { index } of sync.sessions()) sync.closeSession(index);
    sync.stop();
    expect(turns).toBe(0);
    expect(script.calls(POOL_IOC_CLOSE_SESS)).toBe(1);
    await device.close();
  });

  it('fail with the errno that the device gives', async () => {
    const { device, sync } = await ending({ [POOL_IOC_CLOSE_SESS]: [{ ret: -1, errno: constants.errno.EINVAL }] });
    expect(() => sync.closeSession(3)).toThrow(expect.objectContaining({ code: 'EINVAL', syscall: 'ioctl' }));
    await device.close();
  });

  it('never close a session that a SEND is in', async () => {
    const { script, device, sync } = await ending({ [POOL_IOC_SEND]: [{ block: true }] });
    const sending = device.sendBytes(3, 0, Uint8Array.of(1));
    await script.inside(1);
    expect(() => sync.closeSession(3)).toThrow(expect.objectContaining({ code: 'ERR_POOL_TIMEOUT' }));
    sync.closeSession(4);
    expect(script.calls(POOL_IOC_CLOSE_SESS)).toBe(1);
    script.release();
    await sending;
    await device.close();
  });

  it('are not begun when no time is left', async () => {
    const { script, device, sync } = await ending({}, 0);
    expect(() => sync.stop()).toThrow(expect.objectContaining({ code: 'ERR_POOL_TIMEOUT' }));
    expect(script.pool.anyInside).toBe(false);
    await device.close();
  });
});
