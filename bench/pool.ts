/** POOL, over the node of pool-ts or over a device. */
import { type Conn, dial, listen } from 'pool-ts';
import { BULK, type Client, ECHO, readRequest, request, timed, type Transport } from './transport.js';

/** Messages given to one call: enough to keep the socket busy, few enough to stay within the queue. */
const BATCH_BYTES = 512 * 1024;

async function peer(conn: Conn): Promise<void> {
  for (let first = await conn.readMessage(); first !== null; first = await conn.readMessage()) {
    const { kind, count } = readRequest(first);
    if (kind === ECHO) await echo(conn, count);
    else await swallow(conn, count);
  }
}

async function echo(conn: Conn, bytes: number): Promise<void> {
  for (let left = bytes; left > 0; ) {
    const message = await conn.readMessage();
    if (message === null) return;
    left -= message.length;
    await conn.writeMessage(message);
  }
}

async function swallow(conn: Conn, bytes: number): Promise<void> {
  for (let left = bytes; left > 0; ) {
    const messages = await conn.readMessages();
    if (messages === null) return;
    for (const message of messages) left -= message.length;
  }
  await conn.writeMessage(Uint8Array.of(1));
}

const over = (backend: 'user' | 'kernel'): Transport => ({
  async serve() {
    const listener = await listen(backend === 'user' ? { host: '127.0.0.1', port: 0 } : ':0', { backend });
    void listener.serve(async (conn) => {
      await peer(conn).catch(() => undefined);
      await conn.close().catch(() => undefined);
    });
    return listener.addr.port;
  },

  async connect(port): Promise<Client> {
    const conn = await dial({ host: '127.0.0.1', port }, { backend });
    return {
      async bulk(size, messages) {
        await conn.writeMessage(request(BULK, size * messages));
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
      },
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
      close: () => conn.close(),
    };
  },
});

export const pool = over('user');

/** The device is POOL_DEVICE of the environment; a device has no bounded listener, so it listens on all addresses. */
export const kernel = over('kernel');
