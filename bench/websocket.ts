/** ws over the same TLS: binary messages, without compression. */
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { selfSigned } from './certificate.js';
import { clientOver, type MessageSocket, servePeer } from './messages.js';
import { CIPHER } from './tls.js';
import type { Transport } from './transport.js';

/** Bytes that may wait in it before the sender does. */
const HIGH_WATER = 256 * 1024;

function end(socket: WebSocket, below: Socket): MessageSocket {
  const self: MessageSocket = {
    received: () => undefined,
    send(message) {
      socket.send(message);
      return socket.bufferedAmount < HIGH_WATER;
    },
    async drained() {
      if (below.writableNeedDrain) await once(below, 'drain');
      else await new Promise((resolve) => setImmediate(resolve));
    },
    async close() {
      socket.close();
      await once(socket, 'close');
    },
  };
  socket.on('error', () => socket.terminate());
  socket.on('message', (message: Buffer) => self.received(message));
  return self;
}

export const websocket: Transport = {
  async serve() {
    const server = createServer({ ...CIPHER, ...selfSigned('pool-ts bench') });
    new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (socket, request) =>
      servePeer(end(socket, request.socket)),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  },
  async connect(port) {
    const socket = new WebSocket(`wss://127.0.0.1:${port}`, { perMessageDeflate: false, rejectUnauthorized: false });
    const [response] = (await once(socket, 'upgrade')) as [{ socket: Socket }];
    if (socket.readyState !== WebSocket.OPEN) await once(socket, 'open');
    return clientOver(end(socket, response.socket));
  },
};
