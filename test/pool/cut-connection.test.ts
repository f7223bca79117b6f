/** A connection that is cut at any byte of a conversation: handshake, messages, echoes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Conn, dial, type Listener, listen, PoolError } from '../../src/index.js';
import { type FaultyProxy, faultyProxy, type NetworkFaults } from '../../src/testing/index.js';
import { reached, timeout, tries } from '../reliability/figures.js';

const MESSAGES = ['first', 'the second', 'and the third of them'];
const CODES = ['ERR_POOL_PEER_LOST', 'ECONNRESET', 'EPIPE'];

/** What a side read before the end, and the end. */
interface Story {
  got: string[];
  end: unknown;
}

async function read(conn: Conn, each: (text: string) => Promise<void>): Promise<Story> {
  const got: string[] = [];
  try {
    for await (const message of conn) {
      got.push(Buffer.from(message).toString());
      await each(got.at(-1)!);
    }
    return { got, end: null };
  } catch (error) {
    return { got, end: error };
  }
}

describe('a connection', () => {
  let listener: Listener;
  let proxy: FaultyProxy;
  /** Of the sessions that were accepted, each told once. */
  let served: Promise<Story>[] = [];
  beforeAll(async () => {
    listener = await listen('127.0.0.1:0', { backend: 'user' });
    proxy = await faultyProxy({ target: listener.addr });
    void listener.serve(async (conn) => {
      const story = read(conn, (text) => conn.writeMessage(`${text}, too`));
      served.push(story);
      await story;
    });
  });
  afterAll(async () => {
    await proxy.close();
    await listener.close({ connections: 'destroy' });
  });

  async function converse(): Promise<Story> {
    let conn: Conn;
    try {
      conn = await dial(proxy.addr, { backend: 'user' });
    } catch (error) {
      return { got: [], end: error };
    }
    const story = read(conn, () => Promise.resolve());
    const [writing] = await Promise.allSettled([conn.writeMessages(MESSAGES)]);
    if (writing.status === 'rejected') expect(writing.reason).toBeInstanceOf(PoolError);
    // Without a cut the echoes would be waited for for ever.
    const { got, end } = await story;
    conn.destroy();
    return { got, end };
  }

  /** Bytes of a whole conversation in each direction. */
  async function whole(): Promise<{ upstream: number; downstream: number }> {
    const before = { ...proxy.passed };
    const conn = await dial(proxy.addr, { backend: 'user' });
    await conn.writeMessages(MESSAGES);
    for (let left = MESSAGES.length; left > 0; left--) await conn.readMessage();
    const { upstream, downstream } = proxy.passed;
    conn.destroy();
    return { upstream: upstream - before.upstream, downstream: downstream - before.downstream };
  }

  it.each(['cutAt', 'resetAt'] as const)(
    '(%s) at any byte, in either direction, is one typed error, and nothing wrong is delivered',
    { timeout: timeout('X2', 120_000) },
    async (how) => {
      const bytes = await whole();
      const cuts = tries('X2') / 2;
      const stride = Math.max(1, Math.floor((bytes.upstream + bytes.downstream) / cuts));
      let tried = 0;
      for (const direction of ['upstream', 'downstream'] as const) {
        for (let at = 0; at < bytes[direction]; at += stride, tried++) {
          served = [];
          const faults: NetworkFaults = { [how]: at };
          proxy.set({ [direction]: faults });
          const client = await converse();
          const where = `${how} ${at} ${direction}`;
          const told = client.end instanceof PoolError ? client.end.code : client.end;
          expect([where, CODES], where).toEqual([where, expect.arrayContaining([told])]);
          expect(client.got).toEqual(MESSAGES.map((text) => `${text}, too`).slice(0, client.got.length));
          for (const { got, end } of await Promise.all(served)) {
            expect(got).toEqual(MESSAGES.slice(0, got.length));
            expect(end, where).toBeInstanceOf(PoolError);
          }
        }
      }
      proxy.set({});
      // The listener is as good as before.
      await whole();
      reached('X2', tried);
    },
  );
});
