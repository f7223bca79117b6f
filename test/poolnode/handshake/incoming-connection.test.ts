import { describe, expect, it } from 'vitest';
import type { RefuseReason } from '../../../src/base/session.js';
import { IncomingConnection, type IncomingOutcome } from '../../../src/poolnode/handshake/incoming-connection.js';
import { monotonicClock } from '../../../src/poolnode/clock.js';
import { HandshakeQueue } from '../../../src/poolnode/handshake/handshake-queue.js';
import type { NodeDeps } from '../../../src/poolnode/node-deps.js';
import { nodeCrypto } from '../../../src/poolnode/crypto/node-crypto.js';
import { createClientHandshake, createServerHandshake } from '../../../src/poolnode/protocol/index.js';
import { SessionTable } from '../../../src/poolnode/session/session-table.js';
import { SocketReader } from '../../../src/poolnode/session/socket-reader.js';
import { rawConnection, rawServer, until } from '../conversation.js';

function parts(): NodeDeps {
  return {
    crypto: nodeCrypto(),
    clock: monotonicClock,
    limits: {},
    connect: () => {
      throw new Error('nobody dials here');
    },
    protocol: { createClientHandshake, createServerHandshake },
    table: new SessionTable(1),
    handshakeLimits: {},
    retainEnded: false,
  };
}

async function candidate(door: HandshakeQueue, turn: () => RefuseReason | null = () => null) {
  const port = await rawServer(() => {});
  const socket = await rawConnection(port);
  socket.pause();
  const log: string[] = [];
  const outcome: IncomingOutcome = {
    turn,
    established: () => log.push('established'),
    refused: (reason, error) => log.push(`${reason} ${error?.code}`),
  };
  const made = new IncomingConnection({
    node: parts(),
    door,
    socket,
    reader: new SocketReader(),
    outcome,
    authentication: undefined,
  });
  return { made, socket, log };
}

describe('IncomingConnection', () => {
  it('is refused where there is no place', async () => {
    const { made, log } = await candidate(new HandshakeQueue(monotonicClock, { pending: 0 }));
    made.enter('192.0.2.1');
    expect(log).toEqual(['too-many-handshakes ERR_POOL_TIMEOUT']);
  });

  it('gives its place back when it fails, and when it is cancelled', async () => {
    const door = new HandshakeQueue(monotonicClock, { pending: 1 });
    const first = await candidate(door);
    first.made.enter('192.0.2.1');
    first.socket.destroy();
    await until(() => first.log.length === 1);
    expect(first.log).toEqual(['handshake-failed ECONNRESET']);
    const second = await candidate(door);
    second.made.enter('192.0.2.1');
    second.made.cancel();
    const third = await candidate(door);
    third.made.enter('192.0.2.1');
    expect([...second.log, ...third.log]).toEqual([]);
    third.made.cancel();
  });

  it('is not read before it has its turn', async () => {
    const door = new HandshakeQueue(monotonicClock, { startedPerAddress: 1 });
    const first = await candidate(door);
    first.made.enter('192.0.2.1');
    const second = await candidate(door);
    second.made.enter('192.0.2.1');
    expect([first.socket.isPaused(), second.socket.isPaused()]).toEqual([false, true]);
    first.made.cancel();
    await until(() => !second.socket.isPaused());
    second.made.cancel();
  });

  it('is asked once more whether there is room when it has its turn, and not read where there is none', async () => {
    const door = new HandshakeQueue(monotonicClock, { startedPerAddress: 1 });
    const first = await candidate(door);
    first.made.enter('192.0.2.1');
    const second = await candidate(door, () => 'table-full');
    second.made.enter('192.0.2.1');
    const third = await candidate(door);
    third.made.enter('192.0.2.1');
    first.made.cancel();
    expect(second.log).toEqual(['table-full undefined']);
    expect(second.socket.isPaused()).toBe(true);
    await until(() => !third.socket.isPaused());
    third.made.cancel();
  });

  it('is refused, and no longer read, when it gives way', async () => {
    const door = new HandshakeQueue(monotonicClock, { pending: 1 });
    const first = await candidate(door);
    first.made.enter('192.0.2.1');
    await until(() => !first.socket.isPaused());
    const second = await candidate(door);
    second.made.enter('192.0.2.2');
    await until(() => first.log.length === 1 || second.log.length === 1);
    expect([first.log, second.log]).toEqual([[], ['too-many-handshakes ERR_POOL_TIMEOUT']]);
    first.made.cancel();
  });

  it('lets its handshake work ahead where no other waits, and leaves all time to others where one does', async () => {
    const door = new HandshakeQueue(monotonicClock);
    const deps = parts();
    const init = createClientHandshake({ crypto: deps.crypto, initialSequence: 1n << 40n, timestampOffset: 0n });
    init.advance(1n);
    const bytes = Buffer.concat(init.takeOutput());
    const ahead: string[] = [];
    const challenged = async (name: string): Promise<IncomingConnection> => {
      let answered = false;
      const port = await rawServer((peer) => {
        peer.on('data', () => (answered = true));
        peer.write(bytes);
      });
      const socket = await rawConnection(port);
      socket.pause();
      const protocol = {
        ...deps.protocol,
        createServerHandshake: (config: Parameters<typeof createServerHandshake>[0]) => {
          const handshake = createServerHandshake(config);
          handshake.workAhead = () => void ahead.push(name);
          return handshake;
        },
      };
      const outcome: IncomingOutcome = { turn: () => null, established: () => {}, refused: () => {} };
      const made = new IncomingConnection({
        node: { ...deps, protocol },
        door,
        socket,
        reader: new SocketReader(),
        outcome,
        authentication: undefined,
      });
      made.enter('192.0.2.1');
      await until(() => answered);
      return made;
    };
    const first = await challenged('first');
    const before = [...ahead];
    const second = await challenged('second');
    first.cancel();
    const third = await challenged('third');
    second.cancel();
    third.cancel();
    const fourth = await challenged('fourth');
    fourth.cancel();
    expect(before.length).toBeGreaterThan(0);
    expect(new Set(ahead)).toEqual(new Set(['first', 'fourth']));
  });
});
