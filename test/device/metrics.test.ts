/** A device's whole table for Prometheus, in a program and as a command, beside the programs whose sessions it tells of. */
import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Conn, dial, listen, type Listener } from '../../src/index.js';
import { collectPoolMetrics } from '../../src/metrics/index.js';
import { valuesOf } from '../metrics/text.js';
import { killAll, run, start } from '../programs/run.js';
import { fuse } from '../require.js';
import { CLI, type Served, serveDevice } from './served.js';

const BYTES = 100_000;

describe.skipIf(fuse().missing)('the metrics of a device', () => {
  let served: Served;
  let listener: Listener;
  let conn: Conn;
  let peer: Conn;
  beforeAll(async () => {
    served = await serveDevice();
    listener = await listen('127.0.0.1:0', { backend: 'user' });
    [conn, peer] = await Promise.all([
      dial(listener.addr, { backend: 'kernel', device: served.path }),
      listener.accept(),
    ]);
    await conn.write(Buffer.alloc(BYTES));
    for (let read = 0; read < BYTES; ) read += (await peer.readMessage())!.length;
  });
  afterEach(killAll);
  afterAll(async () => {
    await conn.close();
    await listener.close({ connections: 'destroy' });
    await served.stop();
  });

  const labels = () => `{idx="${conn.sessionIndex}",peer="${listener.addr.toString()}",state="ESTABLISHED"}`;

  it('are those of all programs, as the device itself has them', async () => {
    const { code, stdout, stderr } = await run([CLI, 'metrics', '--once', '--device', served.path]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const values = valuesOf(stdout);
    const info = await conn.info();
    expect(values.get('pool_up')).toBe(1);
    expect(values.get('pool_active_sessions')).toBe(1);
    expect(values.get(`pool_session_bytes_sent${labels()}`)).toBeGreaterThanOrEqual(BYTES);
    expect(values.get(`pool_session_bytes_sent${labels()}`)).toBeLessThanOrEqual(Number(info.bytesSent));
    expect(values.get('pool_bytes_sent_total')).toBe(values.get(`pool_session_bytes_sent${labels()}`));
    expect(values.get(`pool_session_mtu_bytes${labels()}`)).toBe(1400);
  });

  it('are served until ^C, with a device that ends and comes back', async () => {
    const own = await serveDevice();
    const command = start([CLI, 'metrics', '--device', own.path, '--listen', '127.0.0.1:0']);
    const url = await (async () => {
      for (;;) {
        const found = /^metrics at (\S+)$/m.exec(command.output.stderr);
        if (found !== null) return found[1]!;
        if (command.child.exitCode !== null) throw new Error(command.output.stderr);
        await new Promise((resolve) => command.child.stderr.once('data', resolve));
      }
    })();
    const up = async () => valuesOf(await (await fetch(url)).text()).get('pool_up');
    expect(await up()).toBe(1);
    own.kill('SIGKILL');
    await own.ended;
    expect(await up()).toBe(0);
    // The answer and the warning come by different ways.
    const missing = /^pool-ts: the metrics of \S+ are missing, and pool_up is 0: /m;
    await expect.poll(() => command.output.stderr, { timeout: 20_000 }).toMatch(missing);
    const again = await serveDevice({ path: own.path });
    expect(await up()).toBe(1);
    await again.stop();
    await own.stop();
    command.child.kill('SIGINT');
    expect(await command.ended).toBe(0);
  });

  it('leave the sessions of this process to the metrics of the process', async () => {
    const register = new Registry();
    const stop = collectPoolMetrics({ register, device: served.path });
    const values = valuesOf(await register.metrics());
    stop();
    const told = [...values.keys()].filter((name) => name.startsWith('pool_session_bytes_sent'));
    expect(told).toEqual([`pool_session_bytes_sent${labels()}`]);
    expect(await register.metrics()).toBe('\n');
  });
});
