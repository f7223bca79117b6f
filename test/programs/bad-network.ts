// Dials itself on 127.0.0.1 and sends so many bytes each way, on a network that is as bad as whoever started it made it.
// Prints what came of it. Run by test/pool/bad-network.test.ts.
//   bad-network.ts <bytes>
import { createCipheriv, createHash } from 'node:crypto';
import { type Conn, dial, listen } from '../../src/index.js';

const bytes = Number(process.argv[2]);
const MESSAGE = 30_000;

async function send(conn: Conn, seed: number): Promise<string> {
  const hash = createHash('sha256');
  const stream = createCipheriv('aes-128-ctr', Buffer.alloc(16, seed), Buffer.alloc(16));
  for (let left = bytes; left > 0; left -= MESSAGE) {
    const message = stream.update(Buffer.alloc(Math.min(left, MESSAGE)));
    hash.update(message);
    await conn.writeMessage(message);
  }
  return hash.digest('hex');
}

async function receive(conn: Conn): Promise<string> {
  const hash = createHash('sha256');
  for (let left = bytes; left > 0; ) {
    const message = await conn.readMessage();
    if (message === null) throw new Error(`ended ${left} bytes early`);
    hash.update(message);
    left -= message.length;
  }
  return hash.digest('hex');
}

const listener = await listen('127.0.0.1:0', { backend: 'user' });
const [conn, peer] = await Promise.all([dial(listener.addr, { backend: 'user' }), listener.accept()]);
const [there, cameThere, back, cameBack] = await Promise.all([
  send(conn, 1),
  receive(peer),
  send(peer, 2),
  receive(conn),
]);
await conn.close();
const end = await peer.closed;
await listener.close();
console.log(JSON.stringify({ equal: there === cameThere && back === cameBack, by: end.by }));
