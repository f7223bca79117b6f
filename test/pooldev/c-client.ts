/** A program in C that makes the ioctls it is told to make: see fixtures/poolcall.c. */
import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('fixtures/poolcall.c', import.meta.url));

/** Compiles the program into a folder of its own; `remove` takes both away. */
export function compileClient(): { program: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'poolcall-'));
  const program = join(folder, 'poolcall');
  execFileSync('cc', ['-Wall', '-Wextra', '-Werror', '-O1', '-o', program, source]);
  return { program, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** What a call gave: the result and the words after it, or the errno. */
export interface Outcome {
  errno: number;
  result: number;
  rest: string[];
}

export interface SeenSession {
  index: number;
  port: number;
  family: number;
  state: number;
  packetsSent: number;
  packetsReceived: number;
  mtu: number;
  queueDepth: number;
  address: string;
  id: string;
}

export class Client {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #waiting: ((outcome: Outcome) => void)[] = [];
  /** Exit code or signal. */
  readonly exited: Promise<number | string | null>;

  private constructor(child: ChildProcessByStdio<Writable, Readable, null>) {
    this.#child = child;
    this.exited = new Promise((settle) => child.once('exit', (code, signal) => settle(signal ?? code)));
    createInterface({ input: child.stdout }).on('line', (line) => this.#waiting.shift()?.(parse(line)));
    child.stdin.on('error', () => {});
  }

  /** Opens the device; the outcome of open(2) comes with it. */
  static async open(program: string, device: string, uid?: number): Promise<Client & { opened: Outcome }> {
    const child = spawn(program, [device], {
      stdio: ['pipe', 'pipe', 'inherit'],
      ...(uid === undefined ? {} : { uid, gid: uid }),
    });
    const client = new Client(child);
    return Object.assign(client, { opened: await new Promise<Outcome>((settle) => client.#waiting.push(settle)) });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Writes one command; settles with what the call gave. */
  call(command: string): Promise<Outcome> {
    const outcome = new Promise<Outcome>((settle) => this.#waiting.push(settle));
    this.#child.stdin.write(`${command}\n`);
    return outcome;
  }

  async sessions(): Promise<SeenSession[]> {
    const { rest } = await this.call('sessions 64');
    return rest.slice(3).map((text) => {
      const [index, port, family, state, packetsSent, packetsReceived, mtu, queueDepth, address = '', id = ''] =
        text.split(',');
      const numbers = { index, port, family, state, packetsSent, packetsReceived, mtu, queueDepth };
      const parsed = Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, Number(value)]));
      return { ...(parsed as Omit<SeenSession, 'address' | 'id'>), address, id };
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async end(): Promise<void> {
    this.#child.stdin.end();
    this.#child.kill('SIGKILL');
    await this.exited;
  }
}

function parse(line: string): Outcome {
  const [word, number, ...rest] = line.split(' ');
  const value = Number(number);
  return word === 'ok' ? { errno: 0, result: value, rest } : { errno: value, result: -1, rest };
}
