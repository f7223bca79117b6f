import { afterEach, describe, expect, it, vi } from 'vitest';
import type { PoolDevice } from '../../../src/poolioc/types.js';
import { createKernelBackend } from '../../../src/pool/kernel/index.js';
import { ManualClock, settle } from './manual-clock.js';
import { errno, ScriptedDevice } from './scripted-device.js';

function opened(): { open: () => Promise<PoolDevice>; opens: string[]; closes: number; device: ScriptedDevice } {
  const device = new ScriptedDevice({ clock: new ManualClock(), module: false });
  const state = {
    device,
    opens: [] as string[],
    closes: 0,
    open: async (path?: string): Promise<PoolDevice> => {
      state.opens.push(String(path));
      const extra = { isCharacterDevice: false, unref: () => device, close: async () => void (state.closes += 1) };
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
