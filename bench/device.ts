/**
 * `npm run bench -- --device`: the kernel backend on a served device against a C program that makes the same ioctls
 * (device.c), two processes each, in alternating rounds of one run. One server carries both. Everything is measured twice,
 * on one core and with the server on a core of its own: where the system puts the threads is worth more than most changes.
 * With `--path` nothing is served and the programs are compared on a device that is there, the kernel module's included, on one
 * core; goals on the module: 0.8 of C's throughput, and 1.2 times its round trip.
 *
 * Goals on a served device, to be read from the output and not asserted, since machines differ: at least 0.9 of C's throughput,
 * and at most 1.5 times its round trip.
 */
import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { measureHop } from './hop.js';
import type { Answer, Order } from './transport.js';

/** The longest message that every slot of the module takes. */
const BULK_SIZE = 65_511;
const TRIP_SIZE = 64;
const TRIPS = 1000;
/** Before the first round: V8 compiles for some thousands of them, in the programs as in the server, on threads of its own. */
const WARM_TRIPS = 6000;
/** ms before the first round: what the dials set going is over by then. */
const SETTLE_MS = 6000;

export interface DeviceBenchOptions {
  rounds: number;
  /** Of a round of bulk messages. */
  seconds: number;
  strictModule: boolean;
  /** A device that is there; without it one is served. */
  path?: string | undefined;
}

/** Which CPUs the server and the two programs run on. */
interface Placement {
  label: string;
  server: string;
  programs: string;
}

const PLACEMENTS: Placement[] = [
  { label: 'all on one CPU', server: '0', programs: '0' },
  { label: 'the server on one CPU, both programs on another', server: '0', programs: '1' },
];

/** A pair of programs with one session between them. */
interface Pair {
  /** Seconds of the transfer, or of each round trip, and seconds of CPU of both programs. */
  measure(order: Order): Promise<Answer>;
  end(): Promise<void>;
}

interface Sample {
  /** Messages a second, or the median round trip in µs. */
  figure: number;
  /** µs of CPU of both programs for a message or a round trip. */
  programs: number;
  /** The same of the server. */
  server: number;
}

const median = (numbers: number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? NaN;

export async function benchDevice(options: DeviceBenchOptions): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'pool-ts-bench-'));
  try {
    const program = join(folder, 'device');
    execFileSync('cc', ['-O2', '-o', program, fileURLToPath(new URL('./device.c', import.meta.url))]);
    const placements = options.path === undefined ? PLACEMENTS : PLACEMENTS.slice(0, 1);
    for (const placement of placements) await compare(folder, program, placement, options);
    await printHops();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function compare(
  folder: string,
  program: string,
  placement: Placement,
  options: DeviceBenchOptions,
): Promise<void> {
  const { rounds, seconds, strictModule } = options;
  const path = options.path ?? join(folder, 'pool');
  const server = options.path === undefined ? await startServer(path, placement, strictModule) : null;
  // One after the other: a device has one listener.
  const c = await startC(program, path, placement);
  const ours = await startOurs(path, placement);
  try {
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    const cpu = (): number => (server === null ? 0 : threadSeconds(server.pid!));
    const pairs = { c, ours };
    const counts = { c: await bulkCount(c, seconds), ours: await bulkCount(ours, seconds) };
    for (const pair of [c, ours])
      await pair.measure({ kind: 'trips', size: TRIP_SIZE, messages: options.path === undefined ? WARM_TRIPS : TRIPS });
    const bulk: Record<keyof typeof pairs, Sample[]> = { c: [], ours: [] };
    const trips: Record<keyof typeof pairs, Sample[]> = { c: [], ours: [] };
    for (let round = 0; round < rounds; round += 1) {
      const names = round % 2 === 0 ? (['c', 'ours'] as const) : (['ours', 'c'] as const);
      for (const name of names) {
        bulk[name].push(await sample(pairs[name], { kind: 'bulk', size: BULK_SIZE, messages: counts[name] }, cpu));
        trips[name].push(await sample(pairs[name], { kind: 'trips', size: TRIP_SIZE, messages: TRIPS }, cpu));
      }
    }
    console.log(`\n${placement.label}; medians of ${rounds} alternating rounds\n`);
    console.log(row('', 'C', 'pool-ts', 'pool-ts / C'));
    print(`messages of ${BULK_SIZE} B a second`, bulk, 'figure', 0);
    print('  µs of CPU of both programs a message', bulk, 'programs', 0);
    if (server !== null) print('  µs of CPU of the server a message', bulk, 'server', 0);
    print(`round trip of ${TRIP_SIZE} B, µs`, trips, 'figure', 0);
    print('  µs of CPU of both programs', trips, 'programs', 0);
    if (server !== null) print('  µs of CPU of the server', trips, 'server', 0);
  } finally {
    await ours.end();
    await c.end();
    server?.kill('SIGTERM');
    if (server !== null) await once(server, 'exit');
  }
}

function print(label: string, of: Record<'c' | 'ours', Sample[]>, what: keyof Sample, digits: number): void {
  const [c, ours] = [of.c, of.ours].map((samples) => median(samples.map((one) => one[what]))) as [number, number];
  console.log(row(label, c.toFixed(digits), ours.toFixed(digits), (ours / c).toFixed(2)));
}

const row = (...cells: string[]): string =>
  cells.map((cell, at) => (at === 0 ? cell.padEnd(44) : cell.padStart(12))).join('');

async function sample(pair: Pair, order: Order, serverCpu: () => number): Promise<Sample> {
  const before = serverCpu();
  const { seconds, cpu } = await pair.measure(order);
  const server = serverCpu() - before;
  const each = 1e6 / order.messages;
  const figure = order.kind === 'bulk' ? order.messages / seconds[0]! : 1e6 * median(seconds);
  return { figure, programs: cpu * each, server: server * each };
}

/** Messages of a round, found by rounds that also warm up. */
async function bulkCount(pair: Pair, seconds: number): Promise<number> {
  let messages = 200;
  for (let round = 0; round < 3; round += 1) {
    const { seconds: took } = await pair.measure({ kind: 'bulk', size: BULK_SIZE, messages });
    messages = Math.max(10, Math.ceil((messages * seconds) / took[0]!));
  }
  return messages;
}

async function startServer(path: string, { server }: Placement, strictModule: boolean): Promise<ChildProcess> {
  const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
  const args = [process.execPath, main, 'device', path, ...(strictModule ? ['--strict-module'] : [])];
  const child = spawn('taskset', ['-c', server, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.stdout.resume();
  return child;
}

async function startC(program: string, path: string, { programs }: Placement): Promise<Pair> {
  const port = await freePort();
  const child = spawn('taskset', ['-c', programs, program, path, String(port)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines: Interface = createInterface(child.stdout);
  await once(lines, 'line');
  return {
    async measure({ kind, size, messages }) {
      child.stdin.write(`${kind} ${size} ${messages}\n`);
      const [line] = (await once(lines, 'line')) as [string];
      const [took = NaN, cpu = NaN, ...trips] = line.split(' ').map(Number);
      return { seconds: kind === 'bulk' ? [took] : trips.map((each) => each / 1e6), cpu };
    },
    async end() {
      child.stdin.end();
      await once(child, 'exit');
    },
  };
}

/** peer.ts as JavaScript on the package as it is built: a loader's own thread would be measured as well. */
async function bundlePeer(): Promise<string> {
  const outfile = fileURLToPath(new URL('../node_modules/.cache/pool-ts-bench/peer.mjs', import.meta.url));
  const entryPoints = [fileURLToPath(new URL('./peer.ts', import.meta.url))];
  const built = fileURLToPath(new URL('../dist/index.js', import.meta.url));
  const alias = { 'pool-ts': built };
  await build({ entryPoints, outfile, bundle: true, platform: 'node', format: 'esm', alias, external: [built] });
  return outfile;
}

async function startOurs(path: string, { programs }: Placement): Promise<Pair> {
  const peer = await bundlePeer();
  const start = (...args: string[]): ChildProcess =>
    fork(peer, args, {
      execPath: 'taskset',
      execArgv: ['-c', programs, process.execPath],
      env: { ...process.env, POOL_DEVICE: path },
    });
  const server = start('serve', 'kernel');
  const [port] = (await once(server, 'message')) as [number];
  const client = start('measure', 'kernel', String(port));
  await once(client, 'message');
  const ask = async <T>(child: ChildProcess, message: Order | 'cpu'): Promise<T> => {
    const answer = once(child, 'message') as Promise<[T]>;
    child.send(message);
    return (await answer)[0];
  };
  return {
    async measure(order) {
      const before = await ask<number>(server, 'cpu');
      const answer = await ask<Answer>(client, order);
      return { ...answer, cpu: answer.cpu + (await ask<number>(server, 'cpu')) - before };
    },
    async end() {
      for (const child of [client, server]) {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
    },
  };
}

/** Seconds of CPU of all threads of a process, to the ns: utime and stime are counted in hundredths. */
function threadSeconds(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const nanoseconds = threads.map((thread) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')[0]),
  );
  return nanoseconds.reduce((sum, one) => sum + one, 0) / 1e9;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

async function printHops(): Promise<void> {
  console.log('\none hop between threads, unpinned\n');
  console.log(row('there, back', 'µs', 'µs of CPU'));
  for (const there of ['message', 'notify'] as const) {
    for (const back of ['message', 'waitAsync'] as const) {
      const { time, cpu } = await measureHop(there, back);
      console.log(row(`${there}, ${back}`, time.toFixed(1), cpu.toFixed(1)));
    }
  }
}
