// Holds TCP connections to a POOL listener that never send a byte, from addresses of their own (127.66.a.b), and dials each
// again as soon as it is dropped. Says `ready` when all are connected once. Run by test/poolnode/attack.test.ts.
//   attacker.ts <port> <addresses> <connections>
import * as net from 'node:net';

const [port = 0, addresses = 1, connections = 0] = process.argv.slice(2).map(Number);
let connected = 0;

function strike(index: number, first: boolean): void {
  const which = index % addresses;
  const localAddress = `127.66.${which >> 8}.${(which & 255) + 1}`;
  const socket = net.connect({ port, host: '127.0.0.1', localAddress });
  socket.on('connect', () => {
    if (first && ++connected === connections) process.send?.('ready');
  });
  socket.on('error', () => {});
  // A connection that was never made is tried again a little later, or a port that is gone would be asked without end.
  socket.on('close', () => setTimeout(() => strike(index, false), 10));
  socket.resume();
}

for (let index = 0; index < connections; index++) strike(index, true);
process.once('disconnect', () => process.exit());
