/** What a served device does while nobody asks for anything: it answers heartbeats, and sleeps. */
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findFreePort } from '../../src/pool/kernel/accepting/listen-port.js';
import { Device, ipv4ToMapped } from '../../src/poolioc/index.js';
import { fuse, note } from '../require.js';
import { type Served, serveDevice } from './served.js';

const PAIRS = 10;
/** Two heartbeats of each of 20 ends, and their answers. */
const PACKETS = 80;
/** Of threads that collect garbage, compile, or start late: some 60 were seen. Polling every 5 ms would be thousands. */
const OTHER_WAKES = 300;

describe.skipIf(fuse().missing)('a device with 20 sessions on which nothing happens', () => {
  let served: Served;
  let device: Device;
  beforeAll(async () => {
    served = await serveDevice();
    device = await Device.open(served.path);
    const peerPort = await findFreePort();
    await device.listen(peerPort);
    for (let pair = 0; pair < PAIRS; pair += 1) {
      await device.connect({ peerAddr: ipv4ToMapped('127.0.0.1'), peerPort });
    }
  });
  afterAll(async () => {
    for (const { index } of await device.sessions()) await device.closeSession(index);
    await device.stop();
    await device.close();
    await served.stop();
  });

  /** Counted by packets and not by time, so that a busy machine, which delays both, changes nothing. */
  it('wakes for its heartbeats, and for nothing else', { timeout: 180_000 }, async () => {
    let looks = 0;
    const packets = async (): Promise<number> => {
      looks += 1;
      const sent = (await device.sessions()).map(({ packetsSent }) => Number(packetsSent));
      return sent.reduce((sum, one) => sum + one, 0);
    };
    // The first heartbeats find code that was never run.
    const warm = (await packets()) + PACKETS / 2;
    while ((await packets()) < warm) await new Promise((settle) => setTimeout(settle, 1000));
    const [from, woken, looked] = [await packets(), wakes(served.pid), looks];
    let to = from;
    while (to - from < PACKETS) {
      await new Promise((settle) => setTimeout(settle, 1000));
      to = await packets();
    }
    const [sent, woke, asked] = [to - from, wakes(served.pid) - woken, looks - looked];
    note(`an idle device with 20 sessions: ${woke} wake-ups for ${sent} packets and ${asked} requests`);
    // At most one for a timer that sends a heartbeat, one for it at the other end, one for the answer: three for two packets.
    // Sessions that began within a quarter of a second share them, which a busy machine may keep them from.
    expect(woke).toBeLessThanOrEqual(1.5 * sent + 2 * asked + OTHER_WAKES);
  });
});

/** How often threads of a process had gone to sleep, all together (proc(5)). */
function wakes(pid: number): number {
  return readdirSync(`/proc/${pid}/task`)
    .map((task) =>
      Number(/^voluntary_ctxt_switches:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/task/${task}/status`, 'utf8'))?.[1]),
    )
    .reduce((sum, one) => sum + one, 0);
}
