/** node:tls with a length of four bytes before each message: what a program of its own would put on TLS. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { selfSigned } from './certificate.js';
import { clientOver, type MessageSocket, servePeer } from './messages.js';
import { CIPHER } from './tls.js';
import type { Transport } from './transport.js';

const LENGTH_BYTES = 4;

function framed(socket: TLSSocket): MessageSocket {
  let held: Buffer = Buffer.alloc(0);
  let corked = false;
  const end: MessageSocket = {
    received: () => undefined,
    send(message) {
      // What is sent in one turn leaves in few records, as a careful program would have it.
      if (!corked) {
        corked = true;
        socket.cork();
        process.nextTick(() => {
          corked = false;
          socket.uncork();
        });
      }
      const length = Buffer.allocUnsafe(LENGTH_BYTES);
      length.writeUInt32BE(message.length);
      socket.write(length);
      return socket.write(message);
    },
    async drained() {
      await once(socket, 'drain');
    },
    async close() {
      socket.end();
      await once(socket, 'close');
    },
  };
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    const data = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    let at = 0;
    while (data.length - at >= LENGTH_BYTES) {
      const size = data.readUInt32BE(at);
      if (data.length - at - LENGTH_BYTES < size) break;
      end.received(data.subarray(at + LENGTH_BYTES, at + LENGTH_BYTES + size));
      at += LENGTH_BYTES + size;
    }
    held = data.subarray(at);
  });
  return end;
}

export const framedTls: Transport = {
  async serve() {
    const server = createServer({ ...CIPHER, ...selfSigned('pool-ts bench') }, (socket) => servePeer(framed(socket)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  },
  async connect(port) {
    const socket = connect({ ...CIPHER, host: '127.0.0.1', port, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    return clientOver(framed(socket));
  },
};
