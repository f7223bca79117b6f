/** node:tls with TLS 1.3 and the cipher that POOL uses. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { selfSigned } from './certificate.js';
import { BULK, type Client, ECHO, readRequest, request, REQUEST_BYTES, timed, type Transport } from './transport.js';

/** The cipher that POOL uses. */
export const CIPHER = {
  minVersion: 'TLSv1.3',
  maxVersion: 'TLSv1.3',
  ciphers: 'TLS_CHACHA20_POLY1305_SHA256',
} as const;

function peer(socket: TLSSocket): void {
  let kind = 0;
  let left = 0;
  let header = Buffer.alloc(0);
  const begin = (data: Buffer): Buffer => {
    header = Buffer.concat([header, data]);
    if (header.length < REQUEST_BYTES) return Buffer.alloc(0);
    const rest = header.subarray(REQUEST_BYTES);
    ({ kind, count: left } = readRequest(header));
    header = Buffer.alloc(0);
    return rest;
  };
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', (data: Buffer) => {
    const body = left === 0 ? begin(data) : data;
    if (body.length === 0) return;
    left -= body.length;
    if (kind === ECHO) socket.write(body);
    else if (left === 0) socket.write(Uint8Array.of(1));
  });
}

/** Settles when `size` bytes have come. */
function received(socket: TLSSocket, size: number): Promise<void> {
  return new Promise((resolve) => {
    let left = size;
    const take = (data: Buffer): void => {
      left -= data.length;
      if (left > 0) return;
      socket.off('data', take);
      resolve();
    };
    socket.on('data', take);
  });
}

export const tls: Transport = {
  async serve() {
    const server = createServer({ ...CIPHER, ...selfSigned('pool-ts bench') }, peer);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  },

  async connect(port): Promise<Client> {
    // The peer is a child of this very program; who it is does not matter here.
    const socket = connect({ ...CIPHER, host: '127.0.0.1', port, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    socket.setNoDelay(true);
    return {
      async bulk(size, messages) {
        const done = received(socket, 1);
        socket.write(request(BULK, size * messages));
        const message = Buffer.alloc(size, 0x61);
        for (let left = messages; left > 0; left -= 1) {
          if (!socket.write(message)) await once(socket, 'drain');
        }
        await done;
      },
      async roundTrips(size, count) {
        socket.write(request(ECHO, size * count));
        const message = new Uint8Array(size);
        const samples: number[] = [];
        while (samples.length < count) {
          samples.push(
            await timed(async () => {
              const done = received(socket, size);
              socket.write(message);
              await done;
            }),
          );
        }
        return samples;
      },
      async close() {
        socket.end();
        await once(socket, 'close');
      },
    };
  },
};
