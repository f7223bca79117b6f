import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { type FullScreen, withFullScreen } from '../../../src/cli/screen/full-screen.js';
import { testTerminal } from '../test-terminal.js';
import { VirtualScreen } from '../virtual-screen.js';

function setUp(columns = 20, rows = 4) {
  const terminal = testTerminal({ tty: true, columns, rows });
  const raw: boolean[] = [];
  Object.assign(terminal.stdin, { setRawMode: (on: boolean) => raw.push(on) });
  const screen = new VirtualScreen(columns, rows);
  terminal.stdout.on('data', (chunk: Buffer) => screen.write(chunk.toString()));
  const keys: string[] = [];
  const seen = { resized: 0 };
  const events = { key: (key: string) => void keys.push(key), resize: () => void (seen.resized += 1) };
  const exits = new EventEmitter();
  const use = (work: (full: FullScreen) => Promise<void>) => withFullScreen(terminal, work, events, exits);
  return { terminal, raw, screen, keys, seen, exits, use };
}

/** As in the beginning: nothing is left of the full screen. */
function expectGivenBack({ screen, raw, terminal, exits }: ReturnType<typeof setUp>): void {
  expect(screen).toMatchObject({ alternate: false, cursorShown: true, wraps: true, entered: 1, left: 1, overflows: 0 });
  expect(raw).toEqual([true, false]);
  expect(terminal.stdin.isPaused()).toBe(true);
  expect(terminal.stdout.listenerCount('resize')).toBe(0);
  expect(exits.listenerCount('exit')).toBe(0);
}

describe('the full screen', () => {
  it('shows lines from the top, all cells of a line included, and nothing of what was there before', async () => {
    const parts = setUp(5, 3);
    await parts.use(async (full) => {
      full.draw(['12345', 'second line is cut', 'x']);
      full.draw(['abcde', '', 'y', 'one too many']);
      expect(parts.screen.lines()).toEqual(['abcde', '', 'y']);
      full.draw(['z']);
      expect(parts.screen.lines()).toEqual(['z', '', '']);
      expect(parts.screen).toMatchObject({ alternate: true, cursorShown: false, wraps: false });
      parts.screen.overflows = 0; // of the line that was too long
    });
    expectGivenBack(parts);
  });

  it('is given back when the work fails', async () => {
    const parts = setUp();
    const failing = parts.use(async () => Promise.reject(new Error('the device is gone')));
    await expect(failing).rejects.toThrow('the device is gone');
    expectGivenBack(parts);
  });

  it('is given back when the process exits under way', async () => {
    const parts = setUp();
    let finish = (): void => undefined;
    const using = parts.use(() => new Promise((resolve) => (finish = resolve)));
    parts.exits.emit('exit');
    expectGivenBack(parts);
    finish();
    await using;
    expectGivenBack(parts);
  });

  it('gives keys one by one, an arrow as one, and takes ^C as a signal', async () => {
    const parts = setUp();
    await parts.use(async () => {
      parts.terminal.stdin.write('rq\x1b[A\x1bOB');
      parts.terminal.stdin.write('\x03');
      await new Promise(setImmediate);
    });
    expect(parts.keys).toEqual(['r', 'q', '\x1b[A', '\x1bOB']);
    expect(parts.terminal.quitWith).toBe(130);
  });

  it('tells of a new size', async () => {
    const parts = setUp();
    await parts.use(async (full) => {
      Object.assign(parts.terminal.stdout, { columns: 33, rows: 7 });
      parts.terminal.stdout.emit('resize');
      expect([full.columns, full.rows]).toEqual([33, 7]);
    });
    expect(parts.seen.resized).toBe(1);
  });

  it('does without keys where input is no terminal', async () => {
    const parts = setUp();
    Object.assign(parts.terminal.stdin, { isTTY: false });
    await parts.use(async () => undefined);
    expect(parts.raw).toEqual([]);
  });
});
