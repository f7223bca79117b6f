// A process of the benchmark. `serve <transport>` tells its port and serves until SIGTERM. `measure <transport> <port>`
// connects, says so, and answers each order of its parent. Both answer 'cpu' with the seconds of CPU that they have used,
// 'memory' with their resident bytes after a collection, and 'peak' with the most since they were last asked for 'peak'. `bulk`, `trips` and `flight`, with <transport> <port> <bytes a message>
// <messages>, do one measurement and end, which is what --profile looks at.
import { framedTls } from './framed.js';
import { model } from './model.js';
import { duplex, kernel, pool, proven } from './pool.js';
import { tls } from './tls.js';
import { type Client, cpuSeconds, type Order, type Question, timed, type Transport } from './transport.js';

/** The others' packages are loaded where they are measured: each process holds what it needs and nothing else. */
const TRANSPORTS: Record<string, () => Transport | Promise<Transport>> = {
  pool: () => pool,
  proven: () => proven,
  duplex: () => duplex,
  kernel: () => kernel,
  tls: () => tls,
  framed: () => framedTls,
  model: () => model,
  ws: async () => (await import('./websocket.js')).websocket,
  'secret-stream': async () => (await import('./secret-stream.js')).secretStream,
};

const [role, name = 'pool', ...numbers] = process.argv.slice(2);
const transport = await (TRANSPORTS[name] ?? TRANSPORTS['pool']!)();
const [port = 0, size = 1, messages = 1] = numbers.map(Number);

/** Connections beside the first. */
const others: Client[] = [];

/** Seconds: one number, or one for each round trip. */
async function obey(client: Client, order: Order): Promise<number[]> {
  const all = [client, ...others];
  switch (order.kind) {
    case 'trips':
      return client.roundTrips(order.size, order.messages);
    case 'flight':
      return [await timed(() => client.inFlight!(order.size, order.messages, order.window ?? 1))];
    case 'dials':
      return [await timed(() => dials(order))];
    case 'open':
      return [await timed(() => open(order.messages))];
    case 'spread':
      return [
        await timed(async () => {
          for (let i = 0; i < order.messages; i++) await all[i % all.length]!.roundTrips(order.size, 1);
        }),
      ];
    case 'pausing':
      return [await timed(() => client.bulkToPausing!(order.size, order.messages))];
    case 'together': {
      const each = Math.ceil(order.messages / all.length);
      return [await timed(async () => void (await Promise.all(all.map((one) => one.bulk(order.size, each)))))];
    }
    default:
      return [await timed(() => client.bulk(order.size, order.messages))];
  }
}

async function dials(order: Order): Promise<void> {
  for (let i = 0; i < order.messages; i++) {
    const one = await transport.connect(port);
    await one.roundTrips(order.size, 1);
    await one.close();
  }
}

async function open(count: number): Promise<void> {
  for (let i = 0; i < count; i++) others.push(await transport.connect(port));
}

function answer(question: Question): void {
  if (question === 'memory') for (let i = 0; i < 3; i++) (globalThis as { gc?: () => void }).gc?.();
  process.send?.(question === 'cpu' ? cpuSeconds() : question === 'peak' ? peak() : process.memoryUsage.rss());
}

/** Looked at often from the first question on, so that other cases don't pay for it. */
const PEAK_EVERY_MS = 5;
let most = 0;
let watch: NodeJS.Timeout | undefined;

function peak(): number {
  const look = (): void => void (most = Math.max(most, process.memoryUsage.rss()));
  watch ??= setInterval(look, PEAK_EVERY_MS).unref();
  look();
  const found = most;
  most = 0;
  return found;
}

process.once('disconnect', () => process.exit(0));
if (role === 'serve') {
  process.once('SIGTERM', () => process.exit(0));
  process.on('message', answer);
  process.send?.(await transport.serve());
} else {
  const client = await transport.connect(port);
  if (role === 'measure') {
    process.on('message', (order: Order | Question) => {
      if (typeof order === 'string') return answer(order);
      const before = cpuSeconds();
      void obey(client, order).then((seconds) => process.send?.({ seconds, cpu: cpuSeconds() - before }));
    });
    process.send?.('connected');
  } else {
    if (role === 'trips') await client.roundTrips(size, messages);
    else if (role === 'flight') await client.inFlight!(size, messages, 100);
    else await client.bulk(size, messages);
    await client.close();
    // The handler of 'disconnect' above holds the channel, and with it this process.
    process.disconnect();
  }
}
