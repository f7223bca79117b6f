/**
 * The least that a POOL node in JavaScript can do: the packets of the protocol over node:net, each sealed and authenticated by
 * node:crypto and checked the same way, and nothing else of a node: no handshake, no states, no queues, no telemetry. What
 * it falls short of TLS is the price of node:crypto's objects and of the second pass over each payload (HMAC-SHA256).
 */
import { createCipheriv, createDecipheriv, createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { BULK, type Client, ECHO, readRequest, request, timed, type Transport } from './transport.js';

const HEADER_BYTES = 80;
const HMAC_AT = 48;
const TAG_BYTES = 16;
const CIPHER = 'chacha20-poly1305';
const OPTIONS = { authTagLength: TAG_BYTES } as const;
/** What is measured is time: any key takes the same. */
const KEY = createSecretKey(Buffer.alloc(32, 7));

class Messages {
  readonly #socket: Socket;
  readonly #sealNonce = Buffer.alloc(12);
  readonly #openNonce = Buffer.alloc(12);
  #chunks: Buffer[] = [];
  #buffered = 0;
  received: (message: Buffer) => void = () => undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#buffered += chunk.length;
      while (this.#openOne());
    });
  }

  /** Returns false when it is time to wait for 'drain'. */
  send(message: Uint8Array): boolean {
    const cipher = createCipheriv(CIPHER, KEY, counted(this.#sealNonce), OPTIONS);
    const ciphertext = cipher.update(message);
    cipher.final();
    const tag = cipher.getAuthTag();
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt32BE(ciphertext.length + TAG_BYTES, 0);
    const hmac = createHmac('sha256', KEY).update(header.subarray(0, HMAC_AT)).update(ciphertext).update(tag);
    header.set(hmac.digest(), HMAC_AT);
    this.#socket.cork();
    this.#socket.write(header);
    this.#socket.write(ciphertext);
    const more = this.#socket.write(tag);
    this.#socket.uncork();
    return more;
  }

  #openOne(): boolean {
    if (this.#buffered < HEADER_BYTES) return false;
    const first = this.#chunks[0]!;
    // A header that lies across two chunks is rare: the chunks are joined for it.
    if (first.length < HEADER_BYTES) return this.#join();
    const size = first.readUInt32BE(0);
    if (this.#buffered < HEADER_BYTES + size) return false;
    if (first.length < HEADER_BYTES + size) return this.#join();
    const header = first.subarray(0, HEADER_BYTES);
    const sealed = first.subarray(HEADER_BYTES, HEADER_BYTES + size);
    const hmac = createHmac('sha256', KEY).update(header.subarray(0, HMAC_AT)).update(sealed);
    if (!timingSafeEqual(hmac.digest(), header.subarray(HMAC_AT))) throw new Error('a wrong HMAC');
    const decipher = createDecipheriv(CIPHER, KEY, counted(this.#openNonce), OPTIONS);
    decipher.setAuthTag(sealed.subarray(size - TAG_BYTES));
    const message = decipher.update(sealed.subarray(0, size - TAG_BYTES));
    decipher.final();
    this.#chunks[0] = first.subarray(HEADER_BYTES + size);
    this.#buffered -= HEADER_BYTES + size;
    this.received(message);
    return true;
  }

  #join(): true {
    this.#chunks = [Buffer.concat(this.#chunks)];
    return true;
  }
}

function counted(nonce: Buffer): Buffer {
  nonce.writeUInt32LE((nonce.readUInt32LE(4) + 1) >>> 0, 4);
  return nonce;
}

function peer(socket: Socket): void {
  const messages = new Messages(socket);
  let kind = 0;
  let left = 0;
  messages.received = (message) => {
    if (left === 0) {
      ({ kind, count: left } = readRequest(message));
      return;
    }
    left -= message.length;
    if (kind === ECHO) messages.send(message);
    else if (left === 0) messages.send(Uint8Array.of(1));
  };
}

function next(messages: Messages): Promise<void> {
  return new Promise((resolve) => {
    messages.received = () => resolve();
  });
}

export const model: Transport = {
  async serve() {
    const server = createServer(peer);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  },

  async connect(port): Promise<Client> {
    const socket = connect({ host: '127.0.0.1', port });
    await once(socket, 'connect');
    const messages = new Messages(socket);
    return {
      async bulk(size, count) {
        const done = next(messages);
        messages.send(request(BULK, size * count));
        const message = Buffer.alloc(size, 0x61);
        for (let left = count; left > 0; left -= 1) if (!messages.send(message)) await once(socket, 'drain');
        await done;
      },
      async roundTrips(size, count) {
        messages.send(request(ECHO, size * count));
        const message = new Uint8Array(size);
        const samples: number[] = [];
        while (samples.length < count) {
          samples.push(
            await timed(async () => {
              const done = next(messages);
              messages.send(message);
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
