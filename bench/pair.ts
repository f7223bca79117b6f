/** Two processes of the benchmark with one connection between them, and rounds of measurements that alternate. */
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Answer, Order, Question } from './transport.js';

export const median = (numbers: readonly number[]): number => {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? NaN)) / 2;
};

export class Pair {
  readonly server: ChildProcess;
  readonly client: ChildProcess;

  private constructor(server: ChildProcess, client: ChildProcess) {
    this.server = server;
    this.client = client;
  }

  static async start(transport: string): Promise<Pair> {
    const start = (...args: string[]): ChildProcess =>
      fork(fileURLToPath(new URL('./peer.ts', import.meta.url)), args, {
        execArgv: ['--import', 'tsx', '--expose-gc'],
        // The table of sessions is not what is measured.
        env: { ...process.env, POOL_MAX_SESSIONS: '4096' },
      });
    const server = start('serve', transport);
    const [port] = (await once(server, 'message')) as [number];
    const client = start('measure', transport, String(port));
    await once(client, 'message');
    return new Pair(server, client);
  }

  async ask<T>(who: 'server' | 'client', message: Order | Question): Promise<T> {
    const answer = once(this[who], 'message') as Promise<[T]>;
    this[who].send(message);
    return (await answer)[0];
  }

  /** Carries an order out; the CPU is that of both processes. */
  async order(order: Order): Promise<Answer> {
    const before = await this.ask<number>('server', 'cpu');
    const { seconds, cpu } = await this.ask<Answer>('client', order);
    return { seconds, cpu: cpu + (await this.ask<number>('server', 'cpu')) - before };
  }

  /** Moves all threads of both processes to these CPUs. */
  pin(server: string, client: string): void {
    for (const [child, cpu] of [
      [this.server, server],
      [this.client, client],
    ] as const) {
      execFileSync('taskset', ['-apc', cpu, String(child.pid)], { stdio: 'ignore' });
    }
  }

  end(): void {
    this.client.kill('SIGTERM');
    this.server.kill('SIGTERM');
  }
}

/** Whether processes can be told where to run. */
export function canPin(): boolean {
  try {
    execFileSync('taskset', ['-V'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Rounds in turns, in one order and then in the other, so that what else the machine does meets all of them. */
export async function alternate<N extends string, T>(
  names: readonly N[],
  rounds: number,
  measure: (name: N) => Promise<T>,
): Promise<Record<N, T[]>> {
  const results = Object.fromEntries(names.map((name) => [name, [] as T[]])) as Record<N, T[]>;
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) results[name].push(await measure(name));
  }
  return results;
}

/** Pairs of all these transports, for as long as `run` takes. */
export async function withPairs<N extends string, T>(
  names: readonly N[],
  run: (pairs: Record<N, Pair>) => Promise<T>,
): Promise<T> {
  const pairs = {} as Record<N, Pair>;
  try {
    for (const name of names) pairs[name] = await Pair.start(name);
    return await run(pairs);
  } finally {
    for (const pair of Object.values<Pair>(pairs)) pair.end();
  }
}
