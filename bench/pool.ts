/** POOL, over the node of pool-ts or over a device. */
import { once } from 'node:events';
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { type Conn, dial, type DialOptions, listen, type ListenOptions } from 'pool-ts';
import { BULK, type Client, ECHO, PAUSING, readRequest, request, timed, type Transport } from './transport.js';

/** Messages given to one call: enough to keep the socket busy, few enough to stay within the queue. */
const BATCH_BYTES = 512 * 1024;

async function peer(conn: Conn): Promise<void> {
  for (let first = await conn.readMessage(); first !== null; first = await conn.readMessage()) {
    const { kind, count } = readRequest(first);
    if (kind === ECHO) await echo(conn, count);
    else await swallow(conn, count, kind === PAUSING);
  }
}

async function echo(conn: Conn, bytes: number): Promise<void> {
  for (let left = bytes; left > 0; ) {
    // What came together goes back together, as the other transports do it in their handlers.
    const messages = await conn.readMessages();
    if (messages === null) return;
    for (const message of messages) left -= message.length;
    await conn.writeMessages(messages);
  }
}

/** A reader that pauses reads so many bytes, then nothing for so many ms: long enough for all queues to fill. */
const BEFORE_A_PAUSE = 64 * 1024 * 1024;
const PAUSE_MS = 100;

async function swallow(conn: Conn, bytes: number, pauses: boolean): Promise<void> {
  let unpaused = 0;
  for (let left = bytes; left > 0; ) {
    const messages = await conn.readMessages();
    if (messages === null) return;
    const before = left;
    for (const message of messages) left -= message.length;
    unpaused += before - left;
    if (!pauses || unpaused < BEFORE_A_PAUSE) continue;
    unpaused = 0;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  await conn.writeMessage(Uint8Array.of(1));
}

/** What both sides say about who they are. */
interface Proofs {
  listen: Pick<ListenOptions, 'identity' | 'peers'>;
  dial: Pick<DialOptions, 'identity' | 'peers'>;
}

const NO_PROOFS: Proofs = { listen: {}, dial: {} };

const over = (backend: 'user' | 'kernel', proofs = NO_PROOFS): Transport => ({
  async serve() {
    const listener = await listen(backend === 'user' ? { host: '127.0.0.1', port: 0 } : ':0', {
      backend,
      ...proofs.listen,
    });
    void listener.serve(async (conn) => {
      await peer(conn).catch(() => undefined);
      await conn.close().catch(() => undefined);
    });
    return listener.addr.port;
  },

  async connect(port): Promise<Client> {
    const conn = await dial({ host: '127.0.0.1', port }, { backend, ...proofs.dial });
    const sendAll = async (kind: number, size: number, messages: number): Promise<void> => {
      await conn.writeMessage(request(kind, size * messages));
      const message = Buffer.alloc(size, 0x61);
      const batch = new Array<Uint8Array>(Math.max(1, Math.floor(BATCH_BYTES / size))).fill(message);
      // Two calls under way: the next batch waits behind this one, so that the socket never runs dry.
      let before: Promise<void> = Promise.resolve();
      for (let left = messages; left > 0; left -= batch.length) {
        const now = conn.writeMessages(left < batch.length ? batch.slice(0, left) : batch);
        await before;
        before = now;
      }
      await before;
      await conn.readMessage();
    };
    return {
      bulk: (size, messages) => sendAll(BULK, size, messages),
      bulkToPausing: (size, messages) => sendAll(PAUSING, size, messages),
      async roundTrips(size, count) {
        await conn.writeMessage(request(ECHO, size * count));
        const message = new Uint8Array(size);
        const samples: number[] = [];
        while (samples.length < count) {
          samples.push(
            await timed(async () => {
              await Promise.all([conn.writeMessage(message), conn.readMessage()]);
            }),
          );
        }
        return samples;
      },
      async inFlight(size, count, window) {
        await conn.writeMessage(request(ECHO, size * count));
        const message = new Uint8Array(size);
        let sent = Math.min(window, count);
        const writes: Promise<void>[] = [];
        for (let i = 0; i < sent; i++) writes.push(conn.writeMessage(message));
        for (let back = 0; back < count; ) {
          const messages = await conn.readMessages();
          back += messages!.length;
          writes.length = 0;
          for (let i = 0; i < messages!.length && sent < count; i++, sent++) writes.push(conn.writeMessage(message));
        }
        await Promise.all(writes);
      },
      close: () => conn.close(),
    };
  },
});

export const pool = over('user');

/** The same key in both processes; it guards nothing. */
function keyOf(seed: number): KeyObject {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, seed)]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

const [LISTENER, DIALLER] = [keyOf(1), keyOf(2)];

/** The same node, each side of which proves who it is. */
export const proven = over('user', {
  listen: { identity: LISTENER, peers: [createPublicKey(DIALLER)] },
  dial: { identity: DIALLER, peers: [createPublicKey(LISTENER)] },
});

/** The device is POOL_DEVICE of the environment; a device has no bounded listener, so it listens on all addresses. */
export const kernel = over('kernel');

/** The same node, as a Node stream at the end that sends. */
export const duplex: Transport = {
  serve: () => pool.serve(),
  async connect(port): Promise<Client> {
    const conn = await dial({ host: '127.0.0.1', port }, { backend: 'user' });
    const stream = conn.toDuplex();
    return {
      async bulk(size, messages) {
        // A message of its own: the peer reads the request as one.
        await new Promise((sent) => stream.write(request(BULK, size * messages), sent));
        const done = once(stream, 'data');
        const message = Buffer.alloc(size, 0x61);
        for (let left = messages; left > 0; left -= 1) if (!stream.write(message)) await once(stream, 'drain');
        await done;
      },
      roundTrips: () => Promise.reject(new Error('not measured')),
      close: async () => void stream.end(),
    };
  },
};
