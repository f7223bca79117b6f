import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { deviceSource } from '../../src/metrics/device-source.js';
import { SessionTotals, type Totals } from '../../src/metrics/session-totals.js';
import { info, type Info } from '../cli/sessions/sessions.js';

/** A device whose answers a test gives: a table, a failure, or nothing yet. */
class ScriptedDevices {
  readonly totals: Totals = { packetsSent: 0, packetsRecv: 0, bytesSent: 0, bytesRecv: 0 };
  readonly downs: string[] = [];
  opened = 0;
  closed = 0;
  asked = 0;
  openError: Error | null = null;
  answer: () => Promise<Info[]> = () => Promise.resolve([]);
  readonly source;

  constructor(patience = 60_000) {
    const totals = new SessionTotals((growth) => {
      for (const name of Object.keys(growth) as (keyof Totals)[]) this.totals[name] += growth[name];
    });
    this.source = deviceSource(totals, {
      path: '/run/pool',
      down: ({ message }) => this.downs.push(message),
      patience,
      open: () => {
        if (this.openError !== null) return Promise.reject(this.openError);
        this.opened += 1;
        return Promise.resolve({
          sessions: () => {
            this.asked += 1;
            return this.answer();
          },
          close: () => {
            this.closed += 1;
            return Promise.resolve();
          },
        });
      },
    });
  }
}

const rows =
  (...infos: Info[]) =>
  () =>
    Promise.resolve(infos);

describe('the sessions of a device', () => {
  it('are told with the slot, the peer of the table and the state, and the device stays open between two scrapes', async () => {
    const device = new ScriptedDevices();
    device.answer = rows(info(0), info(4, { state: 5, peerPort: 0 }));
    const samples = (await device.source.sample())!;
    expect(samples.map(({ labels }) => labels)).toEqual([
      { idx: '0', peer: '192.168.200.100:50000', state: 'ESTABLISHED' },
      { idx: '4', peer: '[2001:db8:1:2:3:4:5:6]:0', state: 'CLOSING' },
    ]);
    expect(samples[1]!.figures).toMatchObject({ bytesSent: 4_000_012n, packetsRecv: 12n });
    await device.source.sample();
    expect([device.opened, device.asked, device.closed]).toEqual([1, 2, 0]);
    device.source.close();
    expect(device.closed).toBe(1);
  });

  it('count what they moved once, and a slot that another session has got begins anew', async () => {
    const device = new ScriptedDevices();
    const sessionId = new Uint8Array(16).fill(0xaa);
    device.answer = rows(info(1, { bytesSent: 100n }));
    await device.source.sample();
    device.answer = rows(info(1, { bytesSent: 130n }));
    await device.source.sample();
    expect(device.totals.bytesSent).toBe(130);
    device.answer = rows(info(1, { bytesSent: 7n, sessionId }));
    await device.source.sample();
    expect(device.totals.bytesSent).toBe(137);
    expect(device.totals.packetsSent).toBe(20);
  });

  it('come back when the server was started again: a file that is dead is opened anew in the same scrape', async () => {
    const device = new ScriptedDevices();
    device.answer = rows(info(1));
    await device.source.sample();
    let calls = 0;
    device.answer = () => (calls++ === 0 ? Promise.reject(new Error('ENOTCONN')) : rows(info(2))());
    expect((await device.source.sample())!.map(({ labels }) => labels.idx)).toEqual(['2']);
    expect([device.opened, device.closed, device.downs]).toEqual([2, 1, []]);
  });

  it('are none while there is no device, which is told once each time', async () => {
    const device = new ScriptedDevices();
    device.openError = new Error('there is no /run/pool');
    expect(await device.source.sample()).toBeNull();
    expect(await device.source.sample()).toBeNull();
    expect(device.downs).toEqual(['there is no /run/pool']);
    device.openError = null;
    expect(await device.source.sample()).toEqual([]);
    device.answer = () => Promise.reject(new Error('EIO'));
    expect(await device.source.sample()).toBeNull();
    expect(device.downs).toEqual(['there is no /run/pool', 'EIO']);
  });

  it('of a device that hangs are none, and it is asked once, however often it is scraped', async () => {
    const device = new ScriptedDevices(1);
    let release!: (infos: Info[]) => void;
    device.answer = () => new Promise((resolve) => (release = resolve));
    for (let scrape = 0; scrape < 5; scrape += 1) expect(await device.source.sample()).toBeNull();
    expect(device.asked).toBe(1);
    expect(device.downs).toEqual(['the device /run/pool did not answer within 1 ms']);
    release([info(1)]);
    await turn();
    device.answer = rows(info(3));
    const next = device.source.sample();
    expect((await next)!.map(({ labels }) => labels.idx)).toEqual(['3']);
    expect(device.asked).toBe(2);
  });

  it('are not asked for any more when the metrics were taken away while the device was being opened', async () => {
    const device = new ScriptedDevices();
    device.answer = rows(info(1));
    const scrape = device.source.sample();
    device.source.close();
    expect(await scrape).toEqual([]);
    expect([device.opened, device.closed, device.asked]).toEqual([1, 1, 0]);
  });
});
