/**
 * `npm run bench`: POOL in user space against node:tls (TLS 1.3, ChaCha20-Poly1305), between two processes on loopback,
 * in alternating rounds of one run, so that what else the machine does meets both. Prints medians and their ratios.
 *
 *   npm run bench -- [--rounds 7] [--seconds 1] [--profile]
 *
 * Goals, to be read from the output and not asserted, since machines differ: bulk at least 0.55 of TLS's throughput,
 * a round trip at most 1.3 times TLS's.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { pool } from './pool.js';
import { profile } from './profile.js';
import { tls } from './tls.js';
import { type Client, cpuSeconds, timed, type Transport } from './transport.js';

/** 65519 bytes are the most that one packet carries; 65535 the most that one message holds, in two packets. */
const BULK_SIZES = [65_519, 65_535, 1304];
const ROUND_TRIP_SIZE = 64;
const ROUND_TRIPS = 500;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '1' },
    profile: { type: 'boolean', default: false },
  },
});
const rounds = positive('rounds', values.rounds);
const seconds = positive('seconds', values.seconds);

function positive(name: string, text: string): number {
  const number = Number(text);
  if (number > 0) return number;
  console.error(`--${name} is a positive number, not ${text}`);
  process.exit(2);
}

const transports: Record<'pool' | 'tls', Transport> = { pool, tls };
type Name = keyof typeof transports;

const median = (numbers: number[]): number => {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? NaN)) / 2;
};

async function withClient<T>(name: Name, port: number, use: (client: Client) => Promise<T>): Promise<T> {
  const client = await transports[name].connect(port);
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

interface Bulk {
  /** MB/s. */
  rate: number;
  /** s of CPU of both processes for a GB: steadier than the rate where the machine has other work. */
  cpu: number;
}

/** One round that lasts about as long as asked. */
function bulk(name: Name, { port, child }: Peer, size: number): Promise<Bulk> {
  const cpu = async (): Promise<number> => {
    const answer = once(child, 'message') as Promise<[number]>;
    child.send('cpu');
    return cpuSeconds() + (await answer)[0];
  };
  return withClient(name, port, async (client) => {
    const few = Math.ceil(4e6 / size);
    await client.bulk(size, few); // warms up code and sockets
    const messages = Math.max(few, Math.ceil((few * seconds) / (await timed(() => client.bulk(size, few)))));
    const before = await cpu();
    const took = await timed(() => client.bulk(size, messages));
    const used = (await cpu()) - before;
    return { rate: (messages * size) / 1e6 / took, cpu: (1e9 * used) / (messages * size) };
  });
}

/** µs: the median of one round's round trips. */
function roundTrip(name: Name, port: number): Promise<number> {
  return withClient(name, port, async (client) => {
    await client.roundTrips(ROUND_TRIP_SIZE, 100); // warms up code and sockets
    return 1e6 * median(await client.roundTrips(ROUND_TRIP_SIZE, ROUND_TRIPS));
  });
}

interface Peer {
  port: number;
  child: ChildProcess;
}

async function startPeer(name: Name): Promise<Peer> {
  const file = fileURLToPath(new URL('./peer.ts', import.meta.url));
  const child = fork(file, ['serve', name], { execArgv: ['--import', 'tsx'] });
  const [port] = (await once(child, 'message')) as [number];
  return { port, child };
}

/** Rounds in turns, POOL first in one and TLS first in the next. */
async function compare<T>(measure: (name: Name) => Promise<T>): Promise<Record<Name, T[]>> {
  const results: Record<Name, T[]> = { pool: [], tls: [] };
  for (let round = 0; round < rounds; round += 1) {
    const order: Name[] = round % 2 === 0 ? ['pool', 'tls'] : ['tls', 'pool'];
    for (const name of order) results[name].push(await measure(name));
  }
  return results;
}

/** A line with the median of each and their ratio. */
function print(label: string, results: Record<Name, number[]>, unit: (value: number) => string): void {
  const [ours, theirs] = [median(results.pool), median(results.tls)];
  console.log(row(label, unit(ours), unit(theirs), (ours / theirs).toFixed(2)));
}

const row = (...cells: string[]): string =>
  cells.map((cell, at) => (at === 0 ? cell.padEnd(34) : cell.padStart(14))).join('');

const peers = { pool: await startPeer('pool'), tls: await startPeer('tls') };
try {
  console.log(`Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}`);
  console.log(`medians of ${rounds} alternating rounds\n`);
  console.log(row('', 'POOL', 'TLS 1.3', 'POOL / TLS'));
  for (const size of BULK_SIZES) {
    const { pool: ours, tls: theirs } = await compare((name) => bulk(name, peers[name], size));
    const each = (of: keyof Bulk) => ({ pool: ours.map((one) => one[of]), tls: theirs.map((one) => one[of]) });
    print(`bulk, messages of ${size} B`, each('rate'), (rate) => `${rate.toFixed(0)} MB/s`);
    print('  messages a second', each('rate'), (rate) => `${Math.round((rate * 1e6) / size)}`);
    print('  CPU of both processes', each('cpu'), (cpu) => `${cpu.toFixed(1)} s/GB`);
  }
  const trips = await compare((name) => roundTrip(name, peers[name].port));
  print(`round trip, ${ROUND_TRIP_SIZE} B`, trips, (time) => `${time.toFixed(0)} µs`);
} finally {
  for (const { child } of Object.values(peers)) child.kill('SIGTERM');
}

if (values.profile) {
  console.log('\nself time of a bulk transfer, 65519 B a message\n');
  console.log(await profile('bulk', 65_519, 10_000));
  console.log(`self time of round trips, ${ROUND_TRIP_SIZE} B a message\n`);
  console.log(await profile('trips', ROUND_TRIP_SIZE, 10_000));
}
