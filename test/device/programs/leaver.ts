/**
 * Dials through a device, and writes messages of 60,000 bytes, each filled with its number, until one has to wait for 2 s: prints
 * "full". Once that one is taken it prints how many were, and ends by `process.exit`. Arguments: the device, the address.
 */
import { setTimeout } from 'node:timers/promises';
import { dial } from 'pool-ts';

const [path = '', address = ''] = process.argv.slice(2);
const conn = await dial(address, { backend: 'kernel', device: path });
for (let taken = 1, full = false; ; taken += 1) {
  const written = conn.writeMessage(Buffer.alloc(60_000, (taken - 1) % 251));
  if ((await Promise.race([written, setTimeout(2000, 'full')])) === 'full') {
    full = true;
    console.log('full');
    await written;
  }
  if (!full) continue;
  process.stdout.write(`taken ${taken}\n`, () => process.exit(0));
  break;
}
