// A process of the benchmark: `serve <transport>` tells its port and serves until SIGTERM; it
// answers any message of its parent with the CPU time that it has used. `bulk` and `trips`, with
// <transport> <port> <bytes a message> <messages>, do one measurement and end, which is what --profile looks at.
import { pool } from './pool.js';
import { tls } from './tls.js';
import { cpuSeconds } from './transport.js';

const [role, name, ...numbers] = process.argv.slice(2);
const transport = name === 'tls' ? tls : pool;

if (role === 'serve') {
  process.once('SIGTERM', () => process.exit(0));
  process.on('message', () => process.send?.(cpuSeconds()));
  process.once('disconnect', () => process.exit(0));
  process.send?.(await transport.serve());
} else {
  const [port = 0, size = 1, messages = 1] = numbers.map(Number);
  const client = await transport.connect(port);
  if (role === 'trips') await client.roundTrips(size, messages);
  else await client.bulk(size, messages);
  await client.close();
}
