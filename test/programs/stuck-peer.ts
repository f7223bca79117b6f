// Dials, writes messages of 60,000 bytes and reads none of what comes back, until nothing moves any more; then it says `stuck`.
// Run by test/pool/stuck-peer.test.ts.
//   stuck-peer.ts <port>
import { dial } from '../../src/index.js';

const conn = await dial({ host: '127.0.0.1', port: Number(process.argv[2]) }, { backend: 'user', readQueueBytes: 1 });
const message = Buffer.alloc(60_000, 'x');
let written = 0;

async function write(): Promise<void> {
  for (;;) {
    await conn.writeMessage(message);
    written++;
  }
}

write().catch(() => process.exit());
let before = -1;
setInterval(() => {
  // Several times alike, for on a busy machine a moment without a write says little.
  if (written > 0 && written === before) process.send?.('stuck');
  before = written;
}, 1000);
