/** Programs under a pseudo-terminal of a given size, and what a person would see of them. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { VirtualScreen } from '../cli/virtual-screen.js';
import { requirement, type Requirement } from '../require.js';

/** util-linux's `script`, which every Linux has, makes the pseudo-terminal; `stty` gives it a size. */
export function pty(): Requirement {
  return requirement('pty', () => {
    const { error, status } = spawnSync('script', ['-qec', 'stty rows 10 columns 40', '/dev/null'], {
      stdio: 'ignore',
    });
    if (error !== undefined) return 'there is no script (util-linux) on PATH';
    return status === 0 ? null : `script ended with ${status}`;
  });
}

export interface OnTerminal {
  /** As large as the terminal is now. */
  readonly screen: VirtualScreen;
  /** Settles when the screen matches. */
  shows(pattern: RegExp): Promise<void>;
  type(keys: string): void;
  /** Changes the size, as who drags the corner of a window does. The program gets SIGWINCH. */
  resize(columns: number, rows: number): Promise<void>;
  /** To the program, not to its terminal. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** The exit code as the shell has it: 128 and more for signals. */
  readonly ended: Promise<number>;
}

const running = new Set<ChildProcessWithoutNullStreams>();

/** Starts a command of the shell. */
export function onTerminal(
  command: string,
  { columns, rows, env = {} }: { columns: number; rows: number; env?: NodeJS.ProcessEnv },
): OnTerminal {
  // The pid comes first, on a line that the screen then forgets.
  const line = `stty rows ${rows} columns ${columns} && echo "pid $$" && exec ${command}`;
  const child = spawn('script', ['-qefc', line, '/dev/null'], {
    env: { ...process.env, NODE_OPTIONS: '', NODE_NO_WARNINGS: '1', TERM: 'xterm-256color', SHELL: '/bin/sh', ...env },
  });
  running.add(child);
  let screen = new VirtualScreen(columns, rows);
  let [raw, over] = ['', false];
  let changed = (): void => undefined;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    raw += text;
    screen.write(text);
    changed();
  });
  child.stdin.on('error', () => undefined);
  const ended = once(child, 'close').then(([code]) => {
    over = true;
    running.delete(child);
    changed();
    return code as number;
  });
  const until = async (condition: () => boolean, what: string): Promise<void> => {
    while (!condition()) {
      if (over) throw new Error(`ended before ${what}:\n${screen.text()}`);
      await new Promise<void>((resolve) => (changed = resolve));
    }
  };
  const pid = async (): Promise<number> => {
    await until(() => /^pid \d+/m.test(raw), 'it started');
    return Number(/^pid (\d+)/m.exec(raw)![1]);
  };
  return {
    get screen() {
      return screen;
    },
    shows: (pattern) => until(() => pattern.test(screen.text()), `it showed ${String(pattern)}`),
    type: (keys) => void child.stdin.write(keys),
    async resize(wider, higher) {
      const terminal = readlinkSync(`/proc/${await pid()}/fd/0`);
      const grown = new VirtualScreen(wider, higher);
      // What comes from here on is drawn for one size or the other; the program is waited for to know the new one.
      Object.assign(grown, { alternate: screen.alternate, cursorShown: screen.cursorShown, wraps: screen.wraps });
      screen = grown;
      spawnSync('stty', ['-F', terminal, 'rows', String(higher), 'columns', String(wider)]);
    },
    kill: async (signal) => void process.kill(await pid(), signal),
    ended,
  };
}

/** For afterEach: ends what a failed test left behind. `script` passes its end on as a hang-up. */
export function hangUpAll(): void {
  for (const child of running) child.kill('SIGTERM');
}
