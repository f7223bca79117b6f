/** @hyperswarm/secret-stream: Noise, and then an AEAD for each message, as POOL has it. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { clientOver, type MessageSocket, servePeer } from './messages.js';
import type { Transport } from './transport.js';

// It has no declarations of its own.
const name = '@hyperswarm/secret-stream';
const { default: SecretStream } = (await import(name)) as {
  default: new (isInitiator: boolean, socket: Duplex) => Duplex & { opened: Promise<boolean> };
};

function end(stream: Duplex): MessageSocket {
  const self: MessageSocket = {
    received: () => undefined,
    send: (message) => stream.write(message),
    async drained() {
      await once(stream, 'drain');
    },
    async close() {
      stream.end();
      await once(stream, 'close');
    },
  };
  stream.on('error', () => stream.destroy());
  stream.on('data', (message: Buffer) => self.received(message));
  return self;
}

export const secretStream: Transport = {
  async serve() {
    const server = createServer({ noDelay: true }, (socket) => servePeer(end(new SecretStream(false, socket))));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  },
  async connect(port) {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    const stream = new SecretStream(true, socket);
    await stream.opened;
    return clientOver(end(stream));
  },
};
