/** Dialling and closing leaves nothing behind: no descriptor, no thread, no slot, here or at the device. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dial, type Listener, listen } from '../../src/index.js';
import { Device } from '../../src/poolioc/index.js';
import { reached, timeout, tries } from '../reliability/figures.js';
import { fuse } from '../require.js';
import { descriptors, threads } from './processes.js';
import { type Served, serveDevice } from './served.js';

const CYCLES = tries('K2');
/** After these the threads that calls need are there, and the device holds what it needs for each of them. */
const WARM_UP = 300;
/**
 * On a busy machine calls overlap that didn't before, and for those a thread more begins, here or at the device, with three
 * descriptors of its own: some of them are no leak. What a cycle leaves behind is hundreds.
 */
const MORE: Readonly<Record<string, number>> = {
  threads: 4,
  'threads of the device': 4,
  descriptors: 12,
  'descriptors of the device': 12,
};

describe.skipIf(fuse().missing)('dial and close over the device', () => {
  let served: Served;
  let listener: Listener;
  let device: Device;
  beforeAll(async () => {
    served = await serveDevice();
    listener = await listen('127.0.0.1:0', { backend: 'user' });
    device = await Device.open(served.path);
  });
  afterAll(async () => {
    await device.close();
    await listener.close();
    await served.stop();
  });

  it(`${CYCLES} cycles end where they began`, { timeout: timeout('K2', 180_000) }, async () => {
    for (let cycle = 0; cycle < WARM_UP; cycle += 1) await once();
    const before = await figures();
    for (let cycle = 0; cycle < CYCLES; cycle += 1) await once();

    // What closes in the background has a moment for it.
    const grown = async (): Promise<string[]> => {
      const now = await figures();
      return Object.entries(before)
        .filter(([name, figure]) => now[name]! > figure + (MORE[name] ?? 0))
        .map(([name, figure]) => `${name}: ${figure} before, ${now[name]} now`);
    };
    await expect.poll(grown, { timeout: 60_000, interval: 100 }).toEqual([]);
    reached('K2', CYCLES);
  });

  async function once(): Promise<void> {
    const [dialled, accepted] = await Promise.all([
      dial(listener.addr.toString(), { backend: 'kernel', device: served.path }),
      listener.accept(),
    ]);
    await dialled.close();
    expect(await accepted.closed).toEqual({ by: 'remote' });
    await accepted.close();
  }

  async function figures(): Promise<Record<string, number>> {
    return {
      descriptors: descriptors(process.pid),
      threads: threads(process.pid),
      'descriptors of the device': descriptors(served.pid),
      'threads of the device': threads(served.pid),
      slots: (await device.sessions()).length,
    };
  }
});
