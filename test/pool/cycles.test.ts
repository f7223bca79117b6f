/** Dialling and closing, well and badly, over and over: nothing is left behind. */
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Conn, dial, type Listener, listen, PoolError } from '../../src/index.js';
import { openSessions } from '../../src/pool/observe/process-sessions.js';
import { seeded } from '../poolnode/protocol/seeded.js';
import { reached, timeout, tries } from '../reliability/figures.js';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

/**
 * After these what the process keeps for whoever comes next is there: slabs, address books, compiled code. V8 adds to that for
 * some 1500 cycles, about a MiB, and nothing from then on: so the more cycles are judged, the longer the warm-up.
 */
const WARM_UP = Math.max(100, tries('K1'));
/** Bytes of heap: how much one reading differs from another of the same state, and what a cycle may leave. */
const NOISE = 400 * 1024;
const SLOPE = 32;
/** What grows in each of so many rounds is no compiled code that came late: that comes once. */
const ROUNDS = 3;

/** Resources that no dial leaves. */
const UNDER_WAY = /Timeout|TCPSocketWrap/;

/** A timer of a dial that stays would be over before anyone looks, were it short. */
const user = { backend: 'user', timeout: 300_000 } as const;

describe('dial and close', () => {
  let listener: Listener;
  /** Takes connections and says nothing; and one that says what is no POOL. */
  let silent: Server;
  let foreign: Server;
  let refused: { host: string; port: number };
  beforeAll(async () => {
    listener = await listen('127.0.0.1:0', { backend: 'user' });
    const echo = async (conn: Conn) => {
      for await (const message of conn) await conn.writeMessage(message);
    };
    // Peers that are destroyed are among the cycles.
    void listener.serve(echo, { onError: () => undefined });
    silent = createServer((socket) => socket.on('error', () => undefined).resume()).listen(0, '127.0.0.1');
    foreign = createServer((socket) => {
      socket.on('error', () => undefined).resume();
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'.padEnd(300));
    }).listen(0, '127.0.0.1');
    const closed = createServer().listen(0, '127.0.0.1');
    await Promise.all([silent, foreign, closed].map((server) => once(server, 'listening')));
    refused = at(closed);
    closed.close();
  });
  afterAll(async () => {
    await listener.close({ connections: 'destroy' });
    silent.close();
    foreign.close();
  });

  const at = (server: Server): { host: string; port: number } => ({
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
  });

  async function refusedWith(dialling: Promise<unknown>): Promise<void> {
    await dialling.then(
      () => expect.unreachable('the dial succeeded'),
      (error: unknown) => expect(error).toBeInstanceOf(PoolError),
    );
  }

  const random = seeded('cycles');
  const CYCLES: Record<string, () => Promise<void>> = {
    'an echo, then close': async () => {
      const conn = await dial(listener.addr, user);
      await conn.writeMessage('there and back');
      await conn.readMessage();
      await conn.close();
    },
    destroy: async () => {
      const conn = await dial(listener.addr, user);
      const reading = conn.readMessage().catch(() => null);
      conn.destroy();
      await reading;
    },
    'nobody there': () => refusedWith(dial(refused, user)),
    'somebody who says nothing': () => refusedWith(dial(at(silent), { ...user, timeout: 1 })),
    'somebody else': () => refusedWith(dial(at(foreign), user)),
    'an abort somewhere on the way': async () => {
      const abort = new AbortController();
      const dialling = dial(listener.addr, { ...user, signal: abort.signal });
      for (let turn = random.int(12); turn > 0; turn--) await new Promise((resolve) => setImmediate(resolve));
      abort.abort();
      const conn = await dialling.catch(() => null);
      await conn?.close();
    },
  };

  function figures(): { descriptors: number; threads: number; sessions: number; resources: string } {
    return {
      descriptors: readdirSync('/proc/self/fd').length,
      threads: readdirSync('/proc/self/task').length,
      sessions: openSessions().size,
      resources: process.getActiveResourcesInfo().sort().join(),
    };
  }

  /** Ends of connections take a few turns after what closed them. */
  async function rest(): Promise<void> {
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Waits, 30 s at most, without a timer: that would be one of the resources, and what is compared would never be the same. */
  async function until(done: () => boolean): Promise<void> {
    for (const late = performance.now() + 30_000; !done() && performance.now() < late; ) await rest();
  }

  async function heap(): Promise<number> {
    await rest();
    gc();
    gc();
    return process.memoryUsage().heapUsed;
  }

  it('leaves no descriptor, no thread, no session and no heap behind, however it goes', {
    timeout: timeout('K1', 120_000),
  }, async () => {
    const kinds = Object.values(CYCLES);
    const wanted = tries('K1');
    const cycles = async (count: number): Promise<void> => {
      for (let cycle = 0; cycle < count; cycle++) await kinds[cycle % kinds.length]!();
    };
    await cycles(WARM_UP);
    await until(() => figures().sessions === 0 && !UNDER_WAY.test(figures().resources));
    let before = await heap();
    const resting = figures();
    expect(resting.sessions).toBe(0);
    expect(resting.resources).not.toMatch(UNDER_WAY);
    const grown: number[] = [];
    do {
      await cycles(wanted);
      await until(() => isDeepStrictEqual(figures(), resting));
      expect(figures()).toEqual(resting);
      const after = await heap();
      grown.push(after - before);
      before = after;
    } while (grown.at(-1)! >= NOISE + SLOPE * wanted && grown.length < ROUNDS);
    expect(grown.at(-1), `bytes that the heap grew by, round by round: ${grown.join(', ')}`).toBeLessThan(
      NOISE + SLOPE * wanted,
    );
    reached('K1', wanted);
  });
});
