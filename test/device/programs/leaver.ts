/**
 * Dials through a device, and writes messages of 60,000 bytes, each filled with its number, until one is not taken for 2 s. Prints
 * how many were, and ends by `process.exit`. Arguments: the device, the address.
 */
import { setTimeout } from 'node:timers/promises';
import { dial } from 'pool-ts';

const [path = '', address = ''] = process.argv.slice(2);
const conn = await dial(address, { backend: 'kernel', device: path });
let taken = 0;
while (
  await Promise.race([conn.writeMessage(Buffer.alloc(60_000, taken % 251)).then(() => true), setTimeout(2000, false)])
) {
  taken += 1;
}
process.stdout.write(`taken ${taken}\n`, () => process.exit(0));
