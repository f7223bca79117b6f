/** `pool-ts sessions`, `telemetry` and `bench` on a device, as scripts use them. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Conn, dial, listen, type Listener } from '../../src/index.js';
import { killAll, run, start } from '../programs/run.js';
import { fuse } from '../require.js';
import { CLI, type Served, serveDevice } from './served.js';

interface Row {
  index: number;
  state: string;
  address: string;
  port: number;
  sessionId: string;
}

describe.skipIf(fuse().missing)('the command line on a device', () => {
  let served: Served;
  let listener: Listener;
  let conns: Conn[];
  let env: NodeJS.ProcessEnv;
  beforeAll(async () => {
    served = await serveDevice();
    env = { POOL_DEVICE: served.path, POOL_BACKEND: 'kernel', NODE_NO_WARNINGS: '1' };
    listener = await listen('127.0.0.1:0', { backend: 'user' });
    conns = [];
    for (let index = 0; index < 3; index += 1) {
      conns.push(await dial(listener.addr, { backend: 'kernel', device: served.path }));
    }
  });
  afterEach(killAll);
  afterAll(async () => {
    await Promise.all(conns.map((conn) => conn.close()));
    await listener.close({ connections: 'destroy' });
    await served.stop();
  });

  const cli = (...args: string[]) => run([CLI, ...args], { env });
  const rows = async (): Promise<Row[]> => JSON.parse((await cli('sessions', '--json')).stdout) as Row[];

  it('lists the sessions of all programs', async () => {
    const expected = conns.map((conn) => ({
      index: conn.sessionIndex,
      state: 'ESTABLISHED',
      address: '127.0.0.1',
      port: listener.addr.port,
      sessionId: conn.id,
    }));
    expect(await rows()).toMatchObject(expected);
    const { code, stdout, stderr } = await cli('sessions');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const { id } of conns) expect(stdout).toMatch(new RegExp(`ESTABLISHED .* ${id}$`, 'm'));
  });

  it('closes a session, so that its program and its peer are told', async () => {
    const [, conn] = conns as [Conn, Conn];
    const { code, stdout } = await cli('sessions', 'close', String(conn.sessionIndex));
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `closed session ${conn.sessionIndex} (${listener.addr.toString()})\n`,
    });
    await conn.closed;
    expect((await rows()).map(({ sessionId }) => sessionId)).toEqual([conns[0]!.id, conns[2]!.id]);
    const again = await cli('sessions', 'close', String(conn.sessionIndex));
    expect(again.code).toBe(1);
    expect(again.stderr).toMatch(/^pool-ts sessions close: slot \d+ of .* holds no session.*\n$/);
  });

  it('shows a session in the device to telemetry and top, and measures through it', async () => {
    const telemetry = start([CLI, 'telemetry', listener.addr.toString(), '--interval', '0.1', '--csv'], { env });
    await telemetry.printed(/ESTABLISHED.*\n.*ESTABLISHED/);
    expect(telemetry.output.stderr).toMatch(/kernel backend/);
    const top = await cli('top', '--json', '--interval', '0.2');
    expect((JSON.parse(top.stdout) as { sessions: Row[] }).sessions).toHaveLength((await rows()).length);
    telemetry.child.kill('SIGINT');
    expect(await telemetry.ended).toBe(130);

    const bench = await cli('bench', '--seconds', '0.2', '--json');
    expect(bench.code, bench.stderr).toBe(0);
    expect(JSON.parse(bench.stdout)).toMatchObject({ backend: 'kernel', throughput: { size: 65511 } });
    expect((await rows()).length).toBe(2);
  });
});
