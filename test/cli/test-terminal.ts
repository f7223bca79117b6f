/** A Terminal made of streams in memory: what a command printed can be read, and what it reads can be typed. */
import { PassThrough, type Readable, type Writable } from 'node:stream';
import type { Terminal } from '../../src/cli/terminal.js';

export interface TestTerminal extends Terminal {
  stdin: Readable & PassThrough;
  stdout: Writable & PassThrough & { columns?: number; rows?: number; isTTY?: boolean };
  stderr: Writable & PassThrough;
  /** What ^C does. */
  interrupt(): void;
  /** All that was printed so far. */
  out(): string;
  err(): string;
  /** The code that quit() was called with. */
  quitWith: number | null;
}

export function testTerminal(options: { tty?: boolean; columns?: number; rows?: number } = {}): TestTerminal {
  const { tty = false, columns, rows } = options;
  const controller = new AbortController();
  const collected = { out: '', err: '' };
  const stdout = Object.assign(new PassThrough(), {
    isTTY: tty,
    ...(columns === undefined ? {} : { columns }),
    ...(rows === undefined ? {} : { rows }),
  });
  const stderr = Object.assign(new PassThrough(), { isTTY: tty });
  stdout.on('data', (chunk: Buffer) => (collected.out += chunk.toString()));
  stderr.on('data', (chunk: Buffer) => (collected.err += chunk.toString()));
  const terminal: TestTerminal = {
    stdin: Object.assign(new PassThrough(), { isTTY: tty }),
    stdout,
    stderr,
    env: {},
    stop: controller.signal,
    quitWith: null,
    quit: (code) => {
      terminal.quitWith ??= code;
      controller.abort();
    },
    endsBySignal: () => undefined,
    person: async () => null,
    interrupt: () => terminal.quit(130),
    out: () => collected.out,
    err: () => collected.err,
  };
  return terminal;
}
