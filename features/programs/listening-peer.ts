// Listens with the node of pool-ts, prints its port, and keeps whoever comes, until it is killed.
import { type Conn, listen } from 'pool-ts';

const listener = await listen({ host: '127.0.0.1', port: 0 }, { backend: 'user' });
console.log(listener.addr.port);
const kept: Conn[] = [];
for await (const conn of listener) kept.push(conn);
