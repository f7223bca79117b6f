/** A program in C and pool-ts on one device: they converse, and see the same values. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Conn, dial, listen, type PoolError } from '../../src/index.js';
import { findFreePort } from '../../src/pool/kernel/accepting/listen-port.js';
import { Device, type SessionInfo } from '../../src/poolioc/index.js';
import { Client, compileClient } from '../pooldev/c-client.js';
import { fuse, program } from '../require.js';
import { type Served, serveDevice } from './served.js';

const missing = fuse().missing || program('cc', 'cc').missing;
const LOOPBACK = '::ffff:127.0.0.1';
const [SUBSCRIBE, LIST] = [1, 3];

describe.skipIf(missing).each([{ strictModule: false }, { strictModule: true }])(
  'a program in C on a device, strictModule $strictModule',
  ({ strictModule }) => {
    let compiled: ReturnType<typeof compileClient>;
    let served: Served;
    let device: Device;
    let c: Client;
    const conns: Conn[] = [];
    const { stringify } = JSON;

    beforeAll(async () => {
      compiled = compileClient();
      served = await serveDevice({ strictModule });
    });
    afterAll(async () => {
      await served.stop();
      compiled.remove();
    });
    beforeEach(async () => {
      device = await Device.open(served.path);
      c = await Client.open(compiled.program, served.path);
    });
    afterEach(async () => {
      await Promise.all(conns.splice(0).map((conn) => conn.close()));
      await c.call('stop');
      await c.end();
      await device.close();
    });

    it('listens, and pool-ts dials: messages, channels, values, close', async () => {
      const port = await findFreePort();
      expect(await c.call(`listen ${port}`)).toMatchObject({ errno: 0, result: 0 });
      const conn = await dial({ host: '127.0.0.1', port }, { backend: 'user' });
      conns.push(conn);
      const [accepted] = await table(device, 1);
      const { index } = accepted!;

      await conn.writeMessage('from pool-ts');
      expect((await c.call(`recv ${index} 0 100`)).rest[0]).toBe('12');
      const sent = await c.call(`send ${index} 0 1000 7`);
      expect(sent).toMatchObject({ errno: 0, result: 0 });
      expect((await conn.readMessage())?.length).toBe(1000);

      const channel = await conn.openChannel(9);
      expect(await c.call(`channel ${index} 9 ${SUBSCRIBE}`)).toMatchObject({ errno: 0 });
      expect((await c.call(`channel ${index} 0 ${LIST}`)).rest[1]).toMatch(/^0002(00){30}ee$/);
      expect(Buffer.from(await device.channelList(index)).toString('hex')).toMatch(/^0002/);
      await channel.writeMessage('on nine');
      expect((await c.call(`recv ${index} 9 100`)).rest[0]).toBe('7');

      expect(Buffer.from(accepted!.sessionId).toString('hex')).toBe(conn.id);
      await sameValues(index);
      expect(await c.call(`close ${index}`)).toMatchObject({ errno: 0, result: 0 });
      expect(await conn.readMessage()).toBe(null);
      expect(await device.sessions()).toEqual([]);
    });

    it('dials, and pool-ts listens, through the same device', async () => {
      const listener = await listen(':0', { backend: 'kernel', device: served.path });
      const { port } = listener.addr;
      const [dialled, accepted] = await Promise.all([c.call(`connect ${LOOPBACK} ${port} 10`), listener.accept()]);
      conns.push(accepted);
      expect(dialled.errno).toBe(0);
      await c.call(`send ${dialled.result} 0 65511 3`);
      expect((await accepted.readMessage())?.length).toBe(65511);
      await accepted.writeMessage('to C');
      expect((await c.call(`recv ${dialled.result} 0 100`)).rest[0]).toBe('4');
      await sameValues(dialled.result);
      await sameValues(accepted.sessionIndex);
      expect(await c.call(`close ${dialled.result}`)).toMatchObject({ errno: 0 });
      expect(await accepted.readMessage()).toBe(null);
      await listener.close();
    });

    it('stops the listener of pool-ts, which ends with an error that says so', async () => {
      const listener = await listen(':0', { backend: 'kernel', device: served.path });
      const waiting = listener.accept().catch((error: unknown) => error);
      const from = performance.now();
      expect(await c.call('stop')).toMatchObject({ errno: 0, result: 0 });
      const error = (await waiting) as PoolError;
      expect([error.code, error.message]).toEqual(['ECONNABORTED', expect.stringMatching(/another program stopped/)]);
      expect(performance.now() - from).toBeLessThan(30_000);
      expect(await listener.closed).toMatchObject({ by: 'error' });
      // Anybody may listen again.
      await using again = await listen(':0', { backend: 'kernel', device: served.path });
      expect(again.addr.port).toBeGreaterThan(0);
    });

    /** What C sees lies between two looks of pool-ts: equal, where nothing moves meanwhile. */
    async function sameValues(index: number): Promise<void> {
      for (;;) {
        const [before, { rest }, after] = [await look(index), await c.call(`fields ${index}`), await look(index)];
        const seen = Object.fromEntries(rest.map((pair) => pair.split('='))) as Record<string, string>;
        const uptime = 'telemetry.uptimeNs';
        const moving = [before, seen, after].map((fields) => BigInt(fields[uptime]!));
        expect(moving.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(moving);
        for (const fields of [before, seen, after]) delete fields[uptime];
        // A heartbeat in between.
        if (stringify(before) !== stringify(after)) continue;
        expect(seen).toEqual(before);
        return;
      }
    }

    async function look(index: number): Promise<Record<string, string>> {
      const info = (await device.sessions()).find((one) => one.index === index);
      if (info === undefined) throw new Error(`slot ${index} is free`);
      return flat(info);
    }
  },
);

/** Every field by its name, as text; bytes in hexadecimal. */
function flat({ telemetry, ...info }: SessionInfo): Record<string, string> {
  const text = (value: unknown): string =>
    value instanceof Uint8Array ? Buffer.from(value).toString('hex') : String(value);
  const entries = [
    ...Object.entries(info),
    ...Object.entries(telemetry).map(([name, value]) => [`telemetry.${name}`, value as unknown] as const),
  ];
  return Object.fromEntries(entries.map(([name, value]) => [name, text(value)]));
}

async function table(device: Device, count: number): Promise<SessionInfo[]> {
  for (;;) {
    const sessions = await device.sessions();
    if (sessions.length >= count) return sessions;
  }
}
