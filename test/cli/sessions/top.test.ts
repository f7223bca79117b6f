import { EventEmitter } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { run } from '../../../src/cli/program.js';
import { top, type TopOptions, type WatchedTable } from '../../../src/cli/sessions/top.js';
import { testTerminal } from '../test-terminal.js';
import { VirtualScreen } from '../virtual-screen.js';
import { info } from './sessions.js';

const device = (count: number, looks = { count: 0 }): WatchedTable => ({
  path: '/dev/pool',
  isCharacterDevice: false,
  sessions: async () => {
    looks.count += 1;
    return Array.from({ length: count }, (_, index) => info(index, { bytesSent: BigInt(looks.count * 1000) }));
  },
});
const options = (changes: Partial<TopOptions> = {}): TopOptions => ({
  intervalMs: 5,
  sort: 'index',
  json: false,
  ...changes,
});

describe('top on a terminal', () => {
  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise(setImmediate);
  }

  it('draws, sorts by keys, follows the size, and gives the screen back when q is pressed', async () => {
    const terminal = testTerminal({ tty: true, columns: 80, rows: 24 });
    const screen = new VirtualScreen(80, 24);
    terminal.stdout.on('data', (chunk: Buffer) => screen.write(chunk.toString()));
    const done = top(terminal, device(20), options(), new EventEmitter());
    await until(() => /OUT\/s/.test(screen.text()));
    expect(screen.lines()[2]).toMatch(/^ 0 192\.168\.200\.100/);
    terminal.stdin.write('r');
    await until(() => screen.lines()[2]!.startsWith('19 '));
    terminal.stdin.write('r');
    await until(() => screen.lines()[2]!.startsWith(' 0 '));
    Object.assign(terminal.stdout, { rows: 10 });
    terminal.stdout.emit('resize');
    await until(() => /… 14 more/.test(screen.text()));
    terminal.stdin.write('q');
    await done;
    expect(screen).toMatchObject({ alternate: false, cursorShown: true, wraps: true, overflows: 0 });
  });

  it('ends with --iterations, and when the command is stopped', async () => {
    const terminal = testTerminal({ tty: true, columns: 80, rows: 24 });
    await top(terminal, device(2), options({ iterations: 2 }), new EventEmitter());
    const stopped = top(terminal, device(2), options({ intervalMs: 3_600_000 }), new EventEmitter());
    terminal.interrupt();
    await stopped;
  });

  it('gives the screen back when the device goes away', async () => {
    const terminal = testTerminal({ tty: true, columns: 80, rows: 24 });
    const screen = new VirtualScreen(80, 24);
    terminal.stdout.on('data', (chunk: Buffer) => screen.write(chunk.toString()));
    const table = device(2);
    const looks = [await table.sessions(), await table.sessions()];
    const failing: WatchedTable = {
      ...table,
      sessions: async () => looks.pop() ?? Promise.reject(new Error('it has gone')),
    };
    await expect(top(terminal, failing, options(), new EventEmitter())).rejects.toThrow('it has gone');
    expect(screen).toMatchObject({ entered: 1, left: 1, alternate: false, cursorShown: true });
  });
});

describe('top without a terminal', () => {
  it('prints one snapshot, with rates', async () => {
    const terminal = testTerminal();
    await top(terminal, device(3), options());
    const lines = terminal.out().trimEnd().split('\n');
    expect(lines).toHaveLength(5);
    expect(lines[2]).toMatch(/kB/);
    expect(terminal.out()).not.toContain('\x1b');
  });

  it('prints as many as asked, as JSON on request', async () => {
    const terminal = testTerminal();
    await top(terminal, device(3), options({ iterations: 3, json: true, sort: 'rtt' }));
    const snapshots = terminal
      .out()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { sessions: { index: number }[] });
    expect(snapshots).toHaveLength(3);
    expect(snapshots[0]!.sessions.map(({ index }) => index)).toEqual([2, 1, 0]);
    expect(snapshots[0]!.sessions[0]).not.toHaveProperty('history');
  });
});

describe('without a device', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pool-ts-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const plain = join(folder, 'plain');
  writeFileSync(plain, '');

  it.each(['sessions', 'top', 'sessions close 1'])('%s ends with 69 and says why and what to do', async (command) => {
    for (const path of [join(folder, 'none'), plain]) {
      const terminal = testTerminal();
      terminal.env['POOL_DEVICE'] = path;
      expect(await run(command.split(' '), terminal)).toBe(69);
      expect(terminal.out()).toBe('');
      const [line, ...more] = terminal.err().split('\n');
      expect(more).toEqual(['']);
      expect(line).toContain(path);
      expect(line).toMatch(/node of its own.*npx pool-ts device.*pool-ts telemetry host:port/);
    }
  });

  it.each([
    'top --interval 0',
    'top --sort name',
    'top --iterations -1',
    'sessions close',
    'sessions close 64',
    'sessions close x',
  ])('%s is wrong usage', async (command) => {
    const terminal = testTerminal();
    expect(await run(command.split(' '), terminal)).toBe(64);
    expect(terminal.err().trimEnd().split('\n')).toHaveLength(1);
  });
});
