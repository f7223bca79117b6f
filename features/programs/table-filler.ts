// Dials a port as often as it is told, or until a dial fails, and prints how often it came through and what it then saw.
import { type Conn, dial, PoolError } from 'pool-ts';

const [port, most] = process.argv.slice(2).map(Number);
const conns: Conn[] = [];
let code = 'none';
try {
  while (conns.length < (most ?? 0)) conns.push(await dial({ host: '127.0.0.1', port: port ?? 0 }));
} catch (error) {
  code = error instanceof PoolError ? error.code : String(error);
}
// How long that takes is no matter of the scenario: on a busy machine some may be given up.
await Promise.allSettled(conns.map((conn) => conn.close()));
console.log(JSON.stringify({ dialled: conns.length, code }));
