// A process of the benchmark: `serve <transport>` prints its port and serves until SIGTERM; `bulk <transport> <port>
// <bytes a message> <messages>` sends and ends, which is what --profile looks at.
import { pool } from './pool.js';
import { tls } from './tls.js';

const [role, name, ...numbers] = process.argv.slice(2);
const transport = name === 'tls' ? tls : pool;

if (role === 'serve') {
  process.once('SIGTERM', () => process.exit(0));
  process.once('disconnect', () => process.exit(0));
  process.send?.(await transport.serve());
} else {
  const [port = 0, size = 1, messages = 1] = numbers.map(Number);
  const client = await transport.connect(port);
  await client.bulk(size, messages);
  await client.close();
}
