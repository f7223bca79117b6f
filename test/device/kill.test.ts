/** kill -9: of a program in the middle of an ioctl, and of the process that serves the device. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { dial, type Listener, listen } from '../../src/index.js';
import { mountsAt } from '../../src/base/mount-info.js';
import { Device } from '../../src/poolioc/index.js';
import { killAll, start } from '../programs/run.js';
import { fuse } from '../require.js';
import { inIoctl, until, within } from './processes.js';
import { type Served, serveDevice } from './served.js';

/** ms; the goal is 1 s. */
const LIMIT_MS = 10_000;

describe.skipIf(fuse().missing)('kill -9', () => {
  let folder: string;
  let path: string;
  let served: Served;
  let listener: Listener;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'pool-kill-'));
    path = join(folder, 'pool');
  });
  beforeEach(async () => {
    served = await serveDevice({ path });
    listener = await listen('127.0.0.1:0', { backend: 'user' });
  });
  afterEach(async () => {
    await killAll();
    await listener.close({ connections: 'destroy' });
    await served.stop();
    expect(mountsAt(path)).toEqual([]);
    expect(existsSync(path)).toBe(false);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('of a client inside eight ioctls: it is gone at once, and the device serves the others', async () => {
    const device = await Device.open(path);
    const conn = await dial(listener.addr.toString(), { backend: 'kernel', device: path });
    const peer = await listener.accept();
    const client = start(['test/device/programs/blocked.ts', path, 'device', 'signal']);
    await client.printed(/receiving/);
    await until(() => inIoctl(client.child.pid!) >= 8);

    client.child.kill('SIGKILL');
    expect(await within(LIMIT_MS, 'the end of the client', client.ended)).toBe('SIGKILL');
    await peer.writeMessage('still served');
    expect(Buffer.from((await conn.readMessage())!).toString()).toBe('still served');
    // Its slots stay taken, as on the module, and anybody can close them.
    const sessions = await device.sessions();
    expect(sessions).toHaveLength(9);
    for (const { index } of sessions) if (index !== conn.sessionIndex) await device.closeSession(index);
    await conn.close();
    expect(await device.sessions()).toEqual([]);
    await device.close();
  });

  it('of the device: every call gets an errno, nothing hangs, and the next start finds no stale mount', async () => {
    const device = await Device.open(path);
    const conn = await dial(listener.addr.toString(), { backend: 'kernel', device: path });
    const peer = await listener.accept();
    const ofDevice = await listen(':0', { backend: 'kernel', device: path });
    const client = start(['test/device/programs/blocked.ts', path, 'device', 'return']);
    await client.printed(/receiving/);
    await until(() => inIoctl(client.child.pid!) >= 8);
    const code = (promise: Promise<unknown>): Promise<unknown> =>
      promise.then(
        () => 'fulfilled',
        (error: { code?: string }) => error.code,
      );
    const pending = [conn.readMessage(), ofDevice.accept(), device.recvBytes(conn.sessionIndex, 7, new Uint8Array(9))];
    const outcomes = Promise.all(pending.map(code));

    served.kill('SIGKILL');
    await served.ended;
    for (const outcome of await within(LIMIT_MS, 'the calls', outcomes)) expect(outcome).toMatch(/^E[A-Z]/);
    expect((await within(LIMIT_MS, 'the end of the connection', conn.closed)).by).toBe('error');
    expect((await within(LIMIT_MS, 'the end at the peer', peer.closed)).by).toBe('error');
    await within(LIMIT_MS, 'closing', Promise.all([conn.close(), ofDevice.close()]));
    expect(await within(LIMIT_MS, 'a later call', code(device.sessions()))).toMatch(/^E[A-Z]/);
    await within(LIMIT_MS, 'closing the device', device.close());
    // The other process is no worse off: it ends as it would have.
    client.child.stdin.write('\n');
    expect(await within(LIMIT_MS, 'the end of the client', client.ended)).toBe(0);

    served = await serveDevice({ path });
    expect(mountsAt(path)).toHaveLength(1);
    const again = await dial(listener.addr.toString(), { backend: 'kernel', device: path });
    await again.close();
  });
});
