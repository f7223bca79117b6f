/** Peers that dribble their handshake, and one that sends many: those who only want in get in. */
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import * as net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type Listener, listen } from '../../src/index.js';
import { nodeCrypto } from '../../src/poolnode/crypto/node-crypto.js';
import { createPoolNode } from '../../src/poolnode/node.js';
import { createClientHandshake } from '../../src/poolnode/protocol/index.js';
import { reached, timeout, tries } from '../reliability/figures.js';

/** 127.0.0.0/8 is all this machine's. */
const HONEST = '127.77.0.1';
const addressOf = (index: number): string => `127.78.${index >> 8}.${1 + (index & 0xfe)}`;

/** INIT as a client sends it first. */
function init(): Buffer {
  const handshake = createClientHandshake({ crypto: nodeCrypto(), initialSequence: 2n ** 40n, timestampOffset: 0n });
  handshake.advance(process.hrtime.bigint());
  return Buffer.concat(handshake.takeOutput());
}

const descriptors = (): number => readdirSync('/proc/self/fd').length;

describe.runIf(process.platform === 'linux')('a listener', () => {
  let listener: Listener;
  const sockets = new Set<net.Socket>();
  let dribble: NodeJS.Timeout | undefined;
  /** Sessions that opened. */
  let served = 0;
  afterEach(async () => {
    clearInterval(dribble);
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    await listener.close({ connections: 'destroy' });
  });

  function connect(localAddress: string): net.Socket {
    const { address: host, port } = listener.addr;
    const socket = net.connect({ host, port, localAddress });
    sockets.add(socket);
    return socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  }

  /** From an address of its own, with a message there and back. */
  async function honest(): Promise<void> {
    const node = createPoolNode({}, { connect: (where) => net.connect({ ...where, localAddress: HONEST }) });
    const { address: host, port } = listener.addr;
    const session = await node.dial({ host, port });
    const echoed = new Promise<void>((resolve, reject) => {
      session.start({
        message: () => (resolve(), true),
        drain: () => undefined,
        end: ({ error }) => reject(error ?? new Error('ended without an echo')),
      });
    });
    session.send(0, Uint8Array.of(1));
    await echoed;
    session.destroy();
  }

  async function listening(handshakes: Parameters<typeof listen>[1] & object): Promise<void> {
    served = 0;
    listener = await listen('127.0.0.1:0', { backend: 'user', ...handshakes });
    void listener.serve(
      async (conn) => {
        served += 1;
        for await (const message of conn) await conn.writeMessage(message);
      },
      // The honest one destroys its sessions.
      { onError: () => undefined },
    );
  }

  it('lets others in while peers send a byte now and then, before INIT and after CHALLENGE, and is rid of them in time', {
    timeout: timeout('H1', 120_000),
  }, async () => {
    const wanted = tries('H1');
    await listening({ handshakes: { initTimeout: 1500, minInitTimeout: 300, timeout: 1500, minTimeout: 300 } });
    const before = descriptors();
    const hello = init();
    /** Bytes of INIT that each has sent; half of them send it whole, and stall with what comes next. */
    const slow = Array.from({ length: wanted }, (_, index) => ({
      socket: connect(addressOf(index)),
      sent: index % 2 === 0 ? 0 : hello.length,
    }));
    for (const { socket, sent } of slow) {
      socket.resume();
      if (sent > 0) socket.write(hello);
    }
    let turn = 0;
    dribble = setInterval(() => {
      // All of them within ten turns: a byte each in half a second.
      for (let index = turn++ % 10; index < slow.length; index += 10) {
        const one = slow[index]!;
        if (one.socket.writable) one.socket.write(hello.subarray(one.sent % 80, (one.sent % 80) + 1));
        one.sent += 1;
      }
    }, 50);
    for (let dial = 0; dial < 10; dial++) await honest();
    // Nobody gave up: each was sent away, although a byte of its came just before.
    await expect.poll(() => sockets.size, { timeout: 60_000 }).toBe(0);
    clearInterval(dribble);
    expect(served).toBe(10);
    await expect.poll(descriptors, { timeout: 30_000 }).toBeLessThanOrEqual(before);
    reached('H1', wanted);
  });

  it('answers no more INITs of a flooding address than its ration, and those of others at once', {
    timeout: timeout('H3', 120_000),
  }, async () => {
    const wanted = tries('H3');
    const handshakes = { busyAbove: 4, rate: 5, burst: 5, startedPerAddress: 256, queueTimeout: 2000, timeout: 60_000 };
    await listening({ handshakes });
    const hello = init();
    const answered = (from: string): Promise<unknown> => {
      const socket = connect(from);
      socket.write(hello);
      return once(socket, 'data');
    };
    // Busy from here on: so many were answered, and say no more.
    await Promise.all(
      Array.from({ length: handshakes.busyAbove + 1 }, (_, index) => answered(`127.80.0.${1 + index}`)),
    );
    let challenged = 0;
    const begun = performance.now();
    for (let index = 0; index < wanted; index++) {
      void answered('127.79.0.1').then(
        () => (challenged += 1),
        () => undefined,
      );
      if (index % 100 === 99) await honest();
    }
    await honest();
    // Those that had no turn are gone; those that were answered are still waited for.
    await expect
      .poll(() => sockets.size - challenged - handshakes.busyAbove - 1, { timeout: 60_000 })
      .toBeLessThanOrEqual(0);
    const seconds = (performance.now() - begun) / 1000;
    expect(challenged).toBeGreaterThanOrEqual(handshakes.burst);
    expect(challenged).toBeLessThanOrEqual(handshakes.burst + handshakes.rate * seconds);
    reached('H3', wanted);
  });
});
