/**
 * `npm run bench`: POOL in user space against node:tls (TLS 1.3, ChaCha20-Poly1305), between two processes on loopback,
 * in alternating rounds of one run, so that what else the machine does meets both. Prints medians and their ratios.
 *
 *   npm run bench -- [--rounds 7] [--seconds 1] [--profile]
 *   npm run bench -- --device [--strict-module] [--rounds 7] [--seconds 1]   see device.ts
 *
 * Goals, to be read from the output and not asserted, since machines differ: bulk at least 0.55 of TLS's throughput,
 * a round trip at most 1.3 times TLS's.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { benchDevice } from './device.js';
import { profile } from './profile.js';
import type { Answer, Order } from './transport.js';

/** 65519 bytes are the most that one packet carries; 65535 the most that one message holds, in two packets. */
const BULK_SIZES = [65_519, 65_535, 1304];
const ROUND_TRIP_SIZE = 64;
const ROUND_TRIPS = 500;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '1' },
    profile: { type: 'boolean', default: false },
    device: { type: 'boolean', default: false },
    'strict-module': { type: 'boolean', default: false },
  },
});
const rounds = positive('rounds', values.rounds);
const seconds = positive('seconds', values.seconds);
if (values.device) {
  await benchDevice({ rounds, seconds, strictModule: values['strict-module'] });
  process.exit(0);
}

function positive(name: string, text: string): number {
  const number = Number(text);
  if (number > 0) return number;
  console.error(`--${name} is a positive number, not ${text}`);
  process.exit(2);
}

const NAMES = ['pool', 'tls', 'model'] as const;
type Name = (typeof NAMES)[number];

const median = (numbers: number[]): number => {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? NaN)) / 2;
};

interface Bulk {
  /** MB/s. */
  rate: number;
  /** s of CPU of both processes for a GB: steadier than the rate where the machine has other work. */
  cpu: number;
}

/** Two processes with one connection between them, which all rounds use: what is compared is a conversation under way. */
interface Pair {
  server: ChildProcess;
  client: ChildProcess;
}

async function ask<T>(child: ChildProcess, message: Order | 'cpu'): Promise<T> {
  const answer = once(child, 'message') as Promise<[T]>;
  child.send(message);
  return (await answer)[0];
}

/** One round that lasts about as long as asked. `messages` is how many took a second before. */
async function bulk({ server, client }: Pair, size: number, messages: number): Promise<Bulk> {
  const before = await ask<number>(server, 'cpu');
  const { seconds: took, cpu } = await ask<Answer>(client, { kind: 'bulk', size, messages });
  const used = cpu + (await ask<number>(server, 'cpu')) - before;
  const bytes = messages * size;
  return { rate: bytes / 1e6 / took[0]!, cpu: (1e9 * used) / bytes };
}

/** Messages of a round, found by rounds that also warm up code, heap and sockets: the first second of a process is slow. */
async function bulkCount({ client }: Pair, size: number): Promise<number> {
  let messages = Math.ceil(4e6 / size);
  for (let round = 0; round < 4; round += 1) {
    const { seconds: took } = await ask<Answer>(client, { kind: 'bulk', size, messages });
    messages = Math.max(1, Math.ceil((messages * seconds) / took[0]!));
  }
  return messages;
}

/** µs: the median of one round's round trips. */
async function roundTrip({ client }: Pair, messages = ROUND_TRIPS): Promise<number> {
  return 1e6 * median((await ask<Answer>(client, { kind: 'trips', size: ROUND_TRIP_SIZE, messages })).seconds);
}

function start(...args: string[]): ChildProcess {
  return fork(fileURLToPath(new URL('./peer.ts', import.meta.url)), args, { execArgv: ['--import', 'tsx'] });
}

async function startPair(name: Name): Promise<Pair> {
  const server = start('serve', name);
  const [port] = (await once(server, 'message')) as [number];
  const client = start('measure', name, String(port));
  await once(client, 'message');
  return { server, client };
}

/** `make` of each. */
async function ofEach<T>(make: (name: Name) => Promise<T>): Promise<Record<Name, T>> {
  return { pool: await make('pool'), tls: await make('tls'), model: await make('model') };
}

/** Rounds in turns, in one order and then in the other. */
async function compare<T>(measure: (name: Name) => Promise<T>): Promise<Record<Name, T[]>> {
  const results: Record<Name, T[]> = { pool: [], tls: [], model: [] };
  for (let round = 0; round < rounds; round += 1) {
    const order = round % 2 === 0 ? NAMES : NAMES.toReversed();
    for (const name of order) results[name].push(await measure(name));
  }
  return results;
}

/** A line with the medians of both, and the ratios of POOL and of the model to TLS. */
function print(label: string, results: Record<Name, number[]>, unit: (value: number) => string): void {
  const [ours, theirs, bare] = NAMES.map((name) => median(results[name])) as [number, number, number];
  console.log(row(label, unit(ours), unit(theirs), (ours / theirs).toFixed(2), (bare / theirs).toFixed(2)));
}

const row = (...cells: string[]): string =>
  cells.map((cell, at) => (at === 0 ? cell.padEnd(34) : cell.padStart(14))).join('');

const pairs = await ofEach(startPair);
try {
  console.log(`Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}`);
  console.log(`medians of ${rounds} alternating rounds\n`);
  console.log(row('', 'POOL', 'TLS 1.3', 'POOL / TLS', 'model / TLS'));
  for (const size of BULK_SIZES) {
    const counts = await ofEach((name) => bulkCount(pairs[name], size));
    const results = await compare((name) => bulk(pairs[name], size, counts[name]));
    const each = (of: keyof Bulk) => ({
      pool: results.pool.map((one) => one[of]),
      tls: results.tls.map((one) => one[of]),
      model: results.model.map((one) => one[of]),
    });
    print(`bulk, messages of ${size} B`, each('rate'), (rate) => `${rate.toFixed(0)} MB/s`);
    print('  messages a second', each('rate'), (rate) => `${Math.round((rate * 1e6) / size)}`);
    print('  CPU of both processes', each('cpu'), (cpu) => `${cpu.toFixed(1)} s/GB`);
  }
  for (const pair of Object.values(pairs)) await roundTrip(pair, 10 * ROUND_TRIPS); // warms up
  const trips = await compare((name) => roundTrip(pairs[name]));
  print(`round trip, ${ROUND_TRIP_SIZE} B`, trips, (time) => `${time.toFixed(0)} µs`);
} finally {
  for (const { server, client } of Object.values(pairs)) {
    client.kill('SIGTERM');
    server.kill('SIGTERM');
  }
}

if (values.profile) {
  console.log('\nself time of a bulk transfer, 65519 B a message\n');
  console.log(await profile('bulk', 65_519, 10_000));
  console.log(`self time of round trips, ${ROUND_TRIP_SIZE} B a message\n`);
  console.log(await profile('trips', ROUND_TRIP_SIZE, 10_000));
}
