import { afterEach, describe, expect, it } from 'vitest';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { bench } from '../../../src/cli/bench/bench.js';
import { startOwnPeer } from '../../../src/cli/bench/own-peer.js';
import { greet } from '../../../src/cli/bench/measure.js';
import { run } from '../../../src/cli/program.js';
import { type Conn, dial, listen, type Listener } from '../../../src/index.js';
import { ROOT } from '../../programs/run.js';
import { testTerminal } from '../test-terminal.js';

let listener: Listener | undefined;
afterEach(() => listener?.close({ connections: 'destroy' }));

/** A peer that is something else. */
async function peerThat(does: (conn: Conn) => Promise<void>): Promise<string> {
  listener = await listen('127.0.0.1:0', { backend: 'user' });
  void listener.serve(does);
  return listener.addr.toString();
}

async function listening() {
  const terminal = testTerminal();
  const done = run(['bench', '--listen', '127.0.0.1:0', '--backend', 'user'], terminal);
  while (!terminal.out().includes('\n')) await new Promise(setImmediate);
  return { terminal, done, address: terminal.out().trim().replace('listening on ', '') };
}

describe('pool-ts bench', () => {
  it('measures against bench --listen, which goes on until it is stopped', async () => {
    const peer = await listening();
    const json = testTerminal();
    const args = ['bench', peer.address, '--backend', 'user', '--seconds', '0.1'];
    expect(await run([...args, '--json', '--size', '1000'], json)).toBe(0);
    expect(json.err()).toBe('measuring throughput for 0.1 s …\nmeasuring round trips for 0.1 s …\n');
    const result = JSON.parse(json.out()) as { throughput: Record<string, number>; roundTrips: Record<string, number> };
    expect(result).toMatchObject({
      peer: peer.address,
      backend: 'user',
      throughput: { size: 1000 },
      roundTrips: { size: 1000 },
    });
    expect(result.throughput['bytes']).toBe(result.throughput['messages']! * 1000);
    const { min = NaN, p50 = NaN, p90 = NaN, p99 = NaN, max = NaN } = result.roundTrips;
    expect([min, p50, p90, p99, max]).toEqual([min, p50, p90, p99, max].toSorted((a, b) => a - b));

    const text = testTerminal();
    expect(await run(args, text)).toBe(0);
    expect(text.out()).toMatch(
      /messages of 65511 B\n {2}bytes +[\d.]+ .B\/s[^]*messages of 64 B[^]*p50 +[\d.]+ .?s\n {2}p90[^]*p99[^]*max/,
    );
    peer.terminal.interrupt();
    expect(await peer.done).toBe(0);
    expect(peer.terminal.err()).toBe('');
  });

  it('starts a peer of its own, in a process that ends with it', async () => {
    const terminal = testTerminal();
    const program = [process.execPath, '--import', 'tsx', join(ROOT, 'src/cli/main.ts')];
    await bench(terminal, {
      address: undefined,
      dial: { backend: 'user' },
      bulkSize: 100,
      echoSize: 1,
      ms: 20,
      json: true,
      program,
    });
    expect(JSON.parse(terminal.out())).toMatchObject({ throughput: { size: 100 }, roundTrips: { size: 1 } });
  });

  it.each([
    [
      'console.error("pool-ts bench: listen: no room (ERR_X)"); process.exit(64)',
      64,
      /did not start: listen: no room \(ERR_X\)$/,
    ],
    ['process.kill(process.pid, "SIGKILL")', 70, /did not start$/],
  ])('says why the peer of its own did not start, with its exit code: %s', async (script, exitCode, message) => {
    const remarks = new PassThrough();
    const starting = startOwnPeer([process.execPath, '-e', script], remarks);
    await expect(starting).rejects.toMatchObject({ exitCode, message: expect.stringMatching(message) as string });
    expect(remarks.read()).toBeNull();
  });

  it.each([
    {
      what: 'echoes',
      does: async (conn: Conn) => {
        for await (const message of conn) await conn.writeMessage(message);
      },
    },
    { what: 'talks first', does: (conn: Conn) => conn.writeMessage('220 welcome') },
    {
      what: 'closes',
      does: async (conn: Conn) => {
        await conn.readMessage();
        await conn.close();
      },
    },
  ])('says in one line that a peer which $what is not one of its own', async ({ does }) => {
    const terminal = testTerminal();
    expect(await run(['bench', await peerThat(does), '--backend', 'user'], terminal)).toBe(76);
    expect(terminal.err()).toMatch(/^pool-ts bench: [^\n]*the peer has to run pool-ts bench --listen\n$/);
  });

  it('gives up a peer that says nothing', async () => {
    const conn = await dial(await peerThat(async (peer) => void (await peer.closed)), { backend: 'user' });
    const greeting = greet(conn, new AbortController().signal, 20);
    await expect(greeting).rejects.toMatchObject({
      exitCode: 75,
      message: expect.stringMatching(/does not answer within 0.02 s; the peer has to/) as string,
    });
    conn.destroy();
  });

  it('is left by a caller that is something else, and goes on', async () => {
    const peer = await listening();
    const stranger = await dial(peer.address, { backend: 'user' });
    await stranger.writeMessage('GET / HTTP/1.1');
    expect((await stranger.closed).by).toBe('remote');
    expect(peer.terminal.err()).toMatch(/does not speak the protocol of pool-ts bench\n$/);
    await greet(await dial(peer.address, { backend: 'user' }), new AbortController().signal);
    peer.terminal.interrupt();
    expect(await peer.done).toBe(0);
  });

  it.each([
    [['bench', '127.0.0.1:1', '--listen', ':2'], /one of/],
    [['bench', '--size', '0'], /--size/],
    [['bench', '--size', '65512'], /65511/],
    [['bench', '--seconds', 'x'], /--seconds/],
    [['bench', '--listen', 'no:port:here'], /no:port:here/],
  ])('%s is wrong usage', async (args, says) => {
    const terminal = testTerminal();
    expect(await run(args, terminal)).toBe(64);
    expect(terminal.err()).toMatch(says);
    expect(terminal.err().trimEnd().split('\n')).toHaveLength(1);
  });
});
