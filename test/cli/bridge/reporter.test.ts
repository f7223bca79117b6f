/** What a bridge says, where it says it. */
import { describe, expect, it } from 'vitest';
import type { BridgeStatus } from '../../../src/cli/bridge/open-links.js';
import { makeReporter } from '../../../src/cli/bridge/reporter.js';
import { testTerminal } from '../test-terminal.js';
import { VirtualScreen } from '../virtual-screen.js';

const STATUS: BridgeStatus = { open: 2, done: 1, broken: 0, refused: 0, toPool: 1234, toTcp: 5_000_000 };
const RATES = { toPool: 10, toTcp: 2_000_000 };
const OPTIONS = { command: 'pool-ts bridge tcp2pool', json: false, quiet: false, interval: undefined };

/** A terminal of this width, and what a person would see on it. */
function onScreen(columns: number) {
  const terminal = testTerminal({ tty: true });
  Object.assign(terminal.stderr, { columns, rows: 10 });
  const screen = new VirtualScreen(Math.max(columns, 1), 10);
  // The terminal driver makes a new line of a line feed.
  const show = (chunk: Buffer): void => screen.write(chunk.toString().replaceAll('\n', '\r\n'));
  terminal.stderr.on('data', show);
  return { terminal, lines: () => screen.lines().filter((line) => line !== '') };
}

describe('on a terminal', () => {
  it('one line changes, below those that stay, and is gone in the end', async () => {
    const { terminal, lines } = onScreen(100);
    const reporter = await makeReporter(terminal, OPTIONS);
    expect(reporter.interval).toBe(1000);
    reporter.listening('127.0.0.1:8080', 'POOL server:9253');
    reporter.status({ ...STATUS, open: 1 }, RATES);
    reporter.status(STATUS, RATES);
    const [listening, status] = [
      'listening on 127.0.0.1:8080, for POOL server:9253',
      '2 open, 1 done; to POOL 1.23 kB, 10 B/s; to TCP 5.00 MB, 2.00 MB/s',
    ];
    expect(lines()).toEqual([listening, status]);
    reporter.broken('127.0.0.1:5000', new Error('it broke'));
    const failure = 'pool-ts bridge tcp2pool: 127.0.0.1:5000: it broke';
    expect(lines()).toEqual([listening, failure, status]);
    reporter.ended(STATUS);
    expect(lines()).toEqual([listening, failure, 'ended; 2 open, 1 done; to POOL 1.23 kB; to TCP 5.00 MB']);
    expect(terminal.out()).toBe('');
  });

  it('it is as long as the terminal is wide at most', async () => {
    const { terminal, lines } = onScreen(40);
    const reporter = await makeReporter(terminal, OPTIONS);
    reporter.status(STATUS, RATES);
    reporter.status(STATUS, RATES);
    expect(lines()).toEqual(['2 open, 1 done; to POOL 1.23 kB, 10 B/…']);
  });

  it.each([
    ['that is dumb', 80, { TERM: 'dumb' }],
    ['without a size', 0, {}],
  ])('%s there are plain lines', async (_, columns, env) => {
    const { terminal } = onScreen(columns);
    const reporter = await makeReporter({ ...terminal, env }, OPTIONS);
    reporter.status(STATUS, RATES);
    reporter.ended(STATUS);
    expect(terminal.err()).toMatch(/^2 open[^\x1b]*\nended; [^\x1b]*\n$/);
  });
});

describe('elsewhere', () => {
  it('a status is a line where something has changed, and failures are all there is with --quiet', async () => {
    const [plain, quiet] = [testTerminal(), testTerminal()];
    for (const [terminal, options] of [
      [plain, OPTIONS],
      [quiet, { ...OPTIONS, quiet: true }],
    ] as const) {
      const reporter = await makeReporter(terminal, options);
      reporter.status(STATUS, RATES);
      reporter.status(STATUS, { toPool: 0, toTcp: 0 });
      reporter.broken('peer', new Error('it broke'));
      reporter.ended(STATUS);
    }
    expect(plain.err().split('\n')).toHaveLength(4);
    expect(quiet.err()).toBe('pool-ts bridge tcp2pool: peer: it broke\n');
  });

  it('--json is a line of JSON for each event on standard output', async () => {
    const terminal = testTerminal({ tty: true });
    const reporter = await makeReporter(terminal, { ...OPTIONS, json: true });
    reporter.status(STATUS, RATES);
    reporter.broken('peer', Object.assign(new Error('it broke'), { code: 'ECONNRESET' }));
    const [status, broken] = terminal.out().split('\n') as [string, string];
    expect(JSON.parse(status)).toMatchObject({ event: 'status', ...STATUS, toTcpPerSecond: 2_000_000 });
    expect(JSON.parse(broken)).toMatchObject({ event: 'broken', peer: 'peer', code: 'ECONNRESET' });
    expect(terminal.err()).toBe('');
  });

  it('--json --quiet is a line for each failure', async () => {
    const terminal = testTerminal({ tty: true });
    const reporter = await makeReporter(terminal, { ...OPTIONS, json: true, quiet: true });
    reporter.listening('127.0.0.1:8080', 'POOL server:9253');
    reporter.status(STATUS, RATES);
    reporter.broken('peer', new Error('it broke'));
    reporter.ended(STATUS);
    expect(JSON.parse(terminal.out())).toMatchObject({ event: 'broken', message: 'it broke' });
    expect(terminal.err()).toBe('');
  });
});
