/** A process that waits for the device eight times, in calls or through rings, ends at once all the same, and has its files and names meanwhile. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Device } from '../../src/poolioc/index.js';
import { killAll, type Running, start } from '../programs/run.js';
import { fuse } from '../require.js';
import { inIoctl, ringsOf, until } from './processes.js';
import { type Served, serveDevice } from './served.js';

const BLOCKED = 8;
/** ms; the receives alone would take 5 s. */
const END_MS = 4000;

describe.skipIf(fuse().missing).each([
  // One that imitates the module has no rings: there a Conn waits in a RECV as well.
  { name: 'blocked in the device', strictModule: true, receivers: ['conn', 'device'], waiting: inIoctl },
  { name: 'that wait for rings', strictModule: false, receivers: ['conn'], waiting: ringsOf },
])('a process with eight receives $name', ({ strictModule, receivers, waiting }) => {
  let served: Served;
  let device: Device;
  beforeAll(async () => {
    served = await serveDevice({ strictModule });
    device = await Device.open(served.path);
    writeFileSync(join(served.path, '../a file'), 'its contents');
  });
  afterEach(async () => {
    await killAll();
    for (const { index } of await device.sessions()) await device.closeSession(index);
  });
  afterAll(async () => {
    await device.close();
    await served.stop();
  });

  async function blocked(receiver: string, ending: string): Promise<Running> {
    const program = start(['test/device/programs/blocked.ts', served.path, receiver, ending]);
    await program.printed(/receiving/);
    await until(() => waiting(program.child.pid!) >= BLOCKED);
    return program;
  }

  describe.each(receivers)('by %s', (receiver) => {
    it.each([
      ['its last statement', 'return', 0],
      ['process.exit', 'exit', 3],
      ['an uncaught error', 'throw', 1],
      ['SIGTERM', 'signal', 'SIGTERM'],
    ])('ends by %s', async (_, ending, code) => {
      const program = await blocked(receiver, ending);
      const from = performance.now();
      if (ending === 'signal') program.child.kill('SIGTERM');
      else program.child.stdin.write('\n');
      expect(await program.ended, program.output.stderr).toBe(code);
      expect(performance.now() - from).toBeLessThan(END_MS);
      // Its sessions are given back by whoever ends in a normal way; a signal leaves them taken, as on the module.
      if (receiver === 'conn' && ending !== 'signal') expect(await device.sessions()).toEqual([]);
      else expect(await device.sessions()).toHaveLength(BLOCKED);
    });
  });

  it('reads files and looks up names before any of them returns', async () => {
    const program = await blocked(receivers.at(-1)!, 'io');
    program.child.stdin.write('\n');
    const [said] = await program.printed(/done with .*/);
    expect(said).toBe('done with 0 receives settled');
    expect(await program.ended).toBe(0);
  });
});
