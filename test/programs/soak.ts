// `npm run soak -- [messages a direction] [seed]`: the exchange of test/pool/two-processes.test.ts at full size.
import { exchange } from './exchange.js';

const [messages = 100_000, seed = Date.now() % 1_000_000] = process.argv.slice(2).map(Number);
console.log(`${messages} messages of 1 to 65535 bytes each way, on 8 channels, seed ${seed}`);
const { server, client, seconds } = await exchange({ messages, channels: 8, seed });
const gigabytes = ((client.bytesSent + server.bytesSent) / 1e9).toFixed(2);
console.log(`${gigabytes} GB in ${seconds.toFixed(1)} s`);
let differing = 0;
for (const [direction, sent, received] of [
  ['client to server', client.sent, server.received],
  ['server to client', server.sent, client.received],
] as const) {
  sent.forEach((digest, index) => {
    const equal = digest === received[index];
    if (!equal) differing += 1;
    console.log(`${direction}, channel ${index + 1}: ${digest} ${equal ? 'equal' : `but received ${received[index]}`}`);
  });
}
if (differing > 0) process.exitCode = 1;
