/** `pool-ts ping` on dials of its own: what it counts, prints and ends with. */
import { afterEach, describe, expect, it } from 'vitest';
import { Addr, PoolError } from '../../../src/index.js';
import { EXIT } from '../../../src/cli/exit-codes.js';
import { type PingDeps, pingHandshakes, pingRoundTrips, type PingOptions } from '../../../src/cli/ping/ping.js';
import { summaryText, Times } from '../../../src/cli/ping/statistics.js';
import { runCli, startCli, addressOf, endCliPrograms } from '../cli-program.js';
import { testTerminal } from '../test-terminal.js';

afterEach(endCliPrograms);

const OPTIONS: PingOptions = { count: 3, intervalMs: 1, quiet: false, json: false, dial: {} };

/** Dials that take these ms by a clock of their own, or fail. */
function dials(outcomes: (number | PoolError)[], rtts: (number | null)[] = []) {
  let time = 0;
  let end = (): void => undefined;
  const closed = new Promise<{ by: 'remote' }>((resolve) => (end = () => resolve({ by: 'remote' })));
  let closes = 0;
  const parts = {
    now: () => time,
    heartbeatMs: 1,
    answerMs: 0,
    dial: async () => {
      const outcome = outcomes.shift()!;
      if (typeof outcome !== 'number') throw outcome;
      time += outcome;
      return {
        remoteAddr: new Addr('10.0.0.1', 9253),
        closed,
        close: async () => void (closes += 1),
        telemetry: async () => {
          if (rtts.length === 0) end();
          return { rttUs: rtts.shift() ?? null };
        },
      };
    },
  } as unknown as PingDeps;
  return { parts, closes: () => closes };
}

const refused = new PoolError('ECONNREFUSED', 'connection refused');

describe('ping', () => {
  it('prints what ping prints', async () => {
    const terminal = testTerminal();
    const { parts, closes } = dials([2, 4, 3]);
    await pingHandshakes(terminal, '10.0.0.1', OPTIONS, parts);
    expect(terminal.out()).toBe(
      'session with 10.0.0.1:9253: seq=1 handshake=2.000 ms\n' +
        'session with 10.0.0.1:9253: seq=2 handshake=4.000 ms\n' +
        'session with 10.0.0.1:9253: seq=3 handshake=3.000 ms\n' +
        '--- 10.0.0.1 ping statistics ---\n' +
        '3 dials, 3 sessions, 0% failed, time 9 ms\n' +
        'handshake min/avg/max/mdev = 2.000/3.000/4.000/0.816 ms\n',
    );
    expect(closes()).toBe(3);
  });

  it('goes on after a failure, and fails only when nobody answered', async () => {
    const terminal = testTerminal();
    await pingHandshakes(terminal, 'x', OPTIONS, dials([refused, 5, refused]).parts);
    expect(terminal.out()).toContain('seq=1 connection refused (ECONNREFUSED)\n');
    expect(terminal.out()).toContain('3 dials, 1 sessions, 67% failed');
    await expect(
      pingHandshakes(testTerminal(), 'x', OPTIONS, dials([refused, refused, refused]).parts),
    ).rejects.toMatchObject({
      exitCode: EXIT.FAILURE,
      message: 'no session with x in 3 dials',
    });
  });

  it('ends at once with what no other dial mends', async () => {
    const wrong = new PoolError('ERR_POOL_INVALID_ADDRESS', 'no address');
    await expect(pingHandshakes(testTerminal(), 'x', OPTIONS, dials([wrong]).parts)).rejects.toBe(wrong);
  });

  it('as JSON and quiet', async () => {
    const terminal = testTerminal();
    await pingHandshakes(terminal, 'x', { ...OPTIONS, count: 1, json: true }, dials([2]).parts);
    expect(
      terminal
        .out()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([
      { seq: 1, peer: '10.0.0.1:9253', handshakeMs: 2 },
      { peer: 'x', handshake: { min: 2, avg: 2, max: 2, mdev: 0 } },
    ]);
    const quiet = testTerminal();
    await pingHandshakes(quiet, 'x', { ...OPTIONS, count: 1, quiet: true }, dials([2]).parts);
    expect(quiet.out()).not.toContain('seq=');
    const both = testTerminal();
    const outcomes = dials([2, refused, 4]).parts;
    await pingHandshakes(both, 'x', { ...OPTIONS, json: true, quiet: true }, outcomes);
    expect(JSON.parse(both.out())).toEqual({ peer: 'x', handshake: { min: 2, avg: 3, max: 4, mdev: 1 } });
  });

  it('prints the round trips of heartbeats, none before the first, and tells of the end of the session', async () => {
    const terminal = testTerminal();
    const { parts, closes } = dials([2], [null, 1500, 2500]);
    await pingRoundTrips(terminal, 'x', { ...OPTIONS, count: 2 }, parts);
    expect(terminal.out()).toContain('heartbeat of 10.0.0.1:9253: seq=2 round-trip=2.500 ms\n');
    expect(terminal.out()).toMatch(/2 heartbeats\nround-trip min\/avg\/max\/mdev = 1.500\/2.000\/2.500\/0.500 ms\n$/);
    expect(closes()).toBe(1);
    await expect(pingRoundTrips(testTerminal(), 'x', OPTIONS, dials([2], [1000]).parts)).rejects.toThrow(
      /session .* ended/,
    );
  });

  it('reaches a listener from a process of its own, and says so by its exit code', async () => {
    const server = startCli(['listen', '-k', '127.0.0.1:0']);
    const address = await addressOf(server);
    const { code, stdout } = await runCli(['ping', '-c', '2', '-i', '0.01', address]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^2 dials, 2 sessions, 0% failed/m);
    expect((await runCli(['ping', '-q', '-c', '1', '127.0.0.1:1'])).code).toBe(EXIT.FAILURE);
  });
});

it('the figures are those of ping(8)', () => {
  const times = new Times();
  expect(summaryText(times)).toBe('');
  for (const ms of [1, 2, 3, 4]) times.add(ms);
  expect(summaryText(times)).toBe('min/avg/max/mdev = 1.000/2.500/4.000/1.118 ms');
});
