// Talks to itself while the wall clock jumps by an hour, forth and back, and looks at what of it could notice. The clock is
// libfaketime's: whoever starts this preloads it, and names the file from which it reads the offset. Run by
// test/pool/wall-clock.test.ts.
//   clock-jumps.ts <jumps>
import { writeFileSync } from 'node:fs';
import { dial, listen, PoolError } from '../../src/index.js';

const jumps = Number(process.argv[2]);
const file = process.env['FAKETIME_TIMESTAMP_FILE']!;
const HOUR = 3600;
/** ms of a deadline that is set before a jump. */
const DEADLINE = 100;

const wrong: string[] = [];
const listener = await listen('127.0.0.1:0', { backend: 'user' });
const options = { backend: 'user', idleTimeout: 60_000 } as const;
const [conn, peer] = await Promise.all([dial(listener.addr, options), listener.accept()]);
for (let jump = 0; jump < jumps; jump++) {
  const waits = conn.readMessage();
  const from = performance.now();
  conn.setReadDeadline(Date.now() + DEADLINE);
  const before = Date.now();
  writeFileSync(file, `${jump % 2 === 0 ? '+' : '-'}${HOUR}s\n`);
  if (Math.abs(Date.now() - before) < (HOUR / 2) * 1000) wrong.push(`jump ${jump}: the clock did not jump`);
  const ended = await waits.then(
    () => 'a message',
    (error: unknown) => (error instanceof PoolError ? error.code : String(error)),
  );
  const took = performance.now() - from;
  if (ended !== 'ERR_POOL_TIMEOUT') wrong.push(`jump ${jump}: the read ended with ${ended}`);
  // A deadline is in whole ms of the wall clock.
  if (took < DEADLINE - 2) wrong.push(`jump ${jump}: the deadline passed after ${took} ms`);
  // One that was set to be a minute away is, whatever the clock says now.
  conn.setReadDeadline(Date.now() + 60_000);
  await peer.writeMessage(`after jump ${jump}`);
  const text = Buffer.from((await conn.readMessage())!).toString();
  if (text !== `after jump ${jump}`) wrong.push(`jump ${jump}: ${text} came`);
  conn.setReadDeadline(null);
}
await conn.close();
const { by } = await peer.closed;
await listener.close();
console.log(JSON.stringify({ wrong, by }));
