/**
 * Eight receives that stay blocked in the device, and an end to come to. Arguments: the device, `conn` or `device` for who
 * receives, and how it ends. Prints `receiving`; ends when a line comes on standard input, from whoever saw them blocked.
 */
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { dial, listen } from 'pool-ts';
import { Device, ipv4ToMapped } from 'pool-ts/poolioc';

const [path = '', receiver, ending] = process.argv.slice(2);
const listener = await listen('127.0.0.1:0', { backend: 'user' });
const { port } = listener.addr;
listener.unref();
let settled = 0;
const count = (): void => void (settled += 1);

const device = await Device.open(path);
for (let index = 0; index < 8; index += 1) {
  if (receiver === 'conn') {
    const conn = await dial({ host: '127.0.0.1', port }, { backend: 'kernel', device: path });
    void conn.readMessage().then(count, count);
    conn.unref();
  } else {
    const session = await device.connect({ peerAddr: ipv4ToMapped('127.0.0.1'), peerPort: port, addrFamily: 10 });
    void device.recvBytes(session, 0, new Uint8Array(100)).then(count, count);
  }
  (await listener.accept()).unref();
}
device.unref();
process.stdout.write('receiving\n');
await once(process.stdin, 'data');
process.stdin.unref();

switch (ending) {
  case 'io':
    await Promise.all([readFile(path.replace(/[^/]*$/, 'a file'), 'utf8'), lookup('localhost')]);
    process.stdout.write(`done with ${settled} receives settled\n`);
    break;
  case 'exit':
    process.exit(3);
    break;
  case 'throw':
    throw new Error('nobody catches this');
  case 'signal':
    setInterval(() => {}, 1000);
    break;
}
