/**
 * Dials through a device, and writes as many messages as it is told, each its number. Arguments: the device, the address, how
 * many. Prints `written` when all writes have settled, and a line `tick` every 20 ms, for as long as its event loop runs; a line on
 * standard input is written as one more message. Ends by a signal.
 */
import { createInterface } from 'node:readline';
import { dial } from 'pool-ts';

const [path = '', address = '', count = '0'] = process.argv.slice(2);
const conn = await dial(address, { backend: 'kernel', device: path });
const writes = [...Array(Number(count)).keys()].map((n) => conn.writeMessage(String(n)));
await Promise.all(writes);
process.stdout.write('written\n');
createInterface({ input: process.stdin }).on('line', (line) => {
  void conn.writeMessage(line).then(() => process.stdout.write(`wrote ${line}\n`));
});
setInterval(() => process.stdout.write('tick\n'), 20);
