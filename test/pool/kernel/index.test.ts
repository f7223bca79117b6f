import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { PoolDevice } from '../../../src/poolioc/types.js';
import { createKernelBackend } from '../../../src/pool/kernel/index.js';
import { bundleWorker } from '../../poolioc/bundle.js';
import { PEER, Recorder } from './harness.js';
import { ManualClock, settle } from './manual-clock.js';
import { errno, ScriptedDevice } from './scripted-device.js';

interface Opened {
  open: () => Promise<PoolDevice>;
  opens: string[];
  closes: number;
  device: ScriptedDevice;
  clock: ManualClock;
}

function opened({ module = false } = {}): Opened {
  const clock = new ManualClock();
  const device = new ScriptedDevice({ clock, module });
  const state = {
    device,
    clock,
    opens: [] as string[],
    closes: 0,
    open: async (path?: string): Promise<PoolDevice> => {
      state.opens.push(String(path));
      const extra = { isCharacterDevice: module, unref: () => device, close: async () => void (state.closes += 1) };
      return Object.assign(device, extra) as unknown as PoolDevice;
    },
  };
  return state;
}

describe('the kernel backend of a device', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('opens the device it is given', async () => {
    const { open, opens } = opened();
    const backend = await createKernelBackend({ device: '/tmp/pool', open, identify: async () => 'one' });
    expect(opens).toEqual(['/tmp/pool']);
    expect([backend.name, backend.parallelDials]).toEqual(['kernel', false]);
  });

  it('passes on what open says', async () => {
    const open = (): Promise<PoolDevice> => Promise.reject(errno('EACCES', 'open'));
    await expect(createKernelBackend({ device: '/tmp/pool', open, identify: async () => 'x' })).rejects.toMatchObject({
      code: 'EACCES',
    });
  });

  it('says what is missing before anything is loaded', async () => {
    await expect(createKernelBackend({ device: '/nowhere/pool' })).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('closes the device when it has gone', async () => {
    const state = opened();
    const backend = await createKernelBackend({ device: '/p', open: state.open, identify: async () => 'one' });
    state.device.gone = 'ENOTCONN';
    const signal = AbortSignal.timeout(5000);
    await expect(backend.listen({ ...OFFER, signal })).rejects.toMatchObject({ code: 'ENODEV' });
    await settle();
    expect(state.closes).toBe(1);
  });

  it.each([
    { file: 'a character device', module: true, calls: 0 },
    { file: 'a file that is served', module: false, calls: 1 },
  ])('goes by receiver threads on $file: $module (hazard 2)', async ({ module, calls }) => {
    const { open, device, clock } = opened({ module });
    const warnings: string[] = [];
    const warn = (message: string): void => void warnings.push(message);
    const parts = { open, clock, proc: device.proc, warn, identify: async () => 'one' };
    const session = await (await createKernelBackend({ device: '/p', ...parts })).dial(PEER, {});
    device.connectionDies(device.session(0)!);
    await session.close({ timeout: 1000 });
    expect(device.count('CLOSE_SESS')).toBe(calls);
    expect(warnings).toHaveLength(1 - calls);
    expect(device.faults).toEqual([]);
  });

  it.each([
    { what: 'nothing is said', env: undefined, option: undefined, lives: 29_000, lost: 31_000 },
    { what: 'POOL_PEER_TIMEOUT says so', env: '8000', option: undefined, lives: 7000, lost: 9000 },
    { what: 'the option says so', env: '8000', option: 12_000, lives: 11_000, lost: 13_000 },
    { what: 'it is never', env: '8000', option: 0, lives: 600_000, lost: Infinity },
  ])('gives a silent peer up after $lost ms at most, where $what (hazard 5)', async ({ env, option, lives, lost }) => {
    if (env !== undefined) vi.stubEnv('POOL_PEER_TIMEOUT', env);
    const { open, device, clock } = opened({ module: true });
    const timeout = option === undefined ? {} : { peerTimeout: option };
    const parts = { open, clock, proc: device.proc, identify: async () => 'one', warn: () => {} };
    const session = await (await createKernelBackend({ device: '/p', ...parts, ...timeout })).dial(PEER, {});
    const seen = new Recorder();
    session.start(seen);
    await clock.advance(lives);
    expect(seen.ends).toEqual([]);
    if (lost === Infinity) return;
    await clock.advance(lost - lives);
    expect(seen.ended).toBe('ERR_POOL_PEER_LOST');
  });

  // Kernel contract, hazard 4: two backends would be two receivers per slot.
  it.skipIf(process.platform !== 'linux')('is one per device in a process, whatever path leads to it', async () => {
    vi.stubEnv('POOL_WORKER', fileURLToPath(await bundleWorker()));
    const folder = mkdtempSync(join(tmpdir(), 'pool-backend-'));
    const [file, link, other] = ['device', 'link', 'other'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    for (const path of [file, other]) writeFileSync(path, '');
    symlinkSync(file, link);
    const [one, again, linked, second] = await Promise.all(
      [file, file, link, other].map((device) => createKernelBackend({ device })),
    );
    expect(again).toBe(one);
    expect(linked).toBe(one);
    expect(second).not.toBe(one);
    expect(await createKernelBackend({ device: file })).toBe(one);
    rmSync(folder, { recursive: true });
  });

  it.each(['-1', 'soon', 'NaN'])('refuses POOL_PEER_TIMEOUT=%s', async (text) => {
    vi.stubEnv('POOL_PEER_TIMEOUT', text);
    const { open, opens } = opened();
    await expect(createKernelBackend({ device: '/p', open, identify: async () => 'one' })).rejects.toMatchObject({
      code: 'ERR_OUT_OF_RANGE',
    });
    expect(opens).toEqual([]);
  });
});

const OFFER = {
  host: '',
  port: 9253,
  ipv4Only: false,
  ipv6Only: false,
  admit: () => null,
  session: () => {},
  dropped: () => {},
  failed: () => {},
};
