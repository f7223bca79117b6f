// A process of the benchmark. `serve <transport>` tells its port and serves until SIGTERM; it answers any message of its
// parent with the CPU time that it has used. `measure <transport> <port>` connects, says so, and answers each order of its
// parent. `bulk` and `trips`, with <transport> <port> <bytes a message> <messages>, do one measurement and end, which is
// what --profile looks at.
import { model } from './model.js';
import { kernel, pool } from './pool.js';
import { tls } from './tls.js';
import { type Client, cpuSeconds, type Order, timed, type Transport } from './transport.js';

const [role, name, ...numbers] = process.argv.slice(2);
const TRANSPORTS: Record<string, Transport> = { pool, kernel, tls, model };
const transport = TRANSPORTS[name ?? ''] ?? pool;

/** Seconds: one number of a bulk transfer, one for each round trip. */
async function obey(client: Client, { kind, size, messages }: Order): Promise<number[]> {
  if (kind === 'trips') return client.roundTrips(size, messages);
  return [await timed(() => client.bulk(size, messages))];
}

if (role === 'serve') {
  process.once('SIGTERM', () => process.exit(0));
  process.on('message', () => process.send?.(cpuSeconds()));
  process.once('disconnect', () => process.exit(0));
  process.send?.(await transport.serve());
} else {
  const [port = 0, size = 1, messages = 1] = numbers.map(Number);
  const client = await transport.connect(port);
  if (role === 'measure') {
    process.on('message', (order: Order) => {
      const before = cpuSeconds();
      void obey(client, order).then((seconds) => process.send?.({ seconds, cpu: cpuSeconds() - before }));
    });
    process.once('disconnect', () => process.exit(0));
    process.send?.('connected');
  } else {
    if (role === 'trips') await client.roundTrips(size, messages);
    else await client.bulk(size, messages);
    await client.close();
  }
}
