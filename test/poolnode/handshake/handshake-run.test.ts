import { once } from 'node:events';
import * as net from 'node:net';
import { describe, expect, it } from 'vitest';
import type { SessionStateName } from '../../../src/base/session.js';
import type { PoolError } from '../../../src/base/errors.js';
import { runHandshake } from '../../../src/poolnode/handshake/handshake-run.js';
import type { Handshake, Session } from '../../../src/poolnode/protocol/types.js';
import { SocketReader } from '../../../src/poolnode/session/socket-reader.js';
import { rawConnection, rawServer, turn, until } from '../conversation.js';

const MS = 1_000_000n;
const SESSION = { id: Uint8Array.of(1), authenticating: false } as Session;

/** A handshake of single bytes: 'b' makes it busy for three steps, 's' gives the session, 'x' fails it, others are echoed. */
class ByteHandshake implements Handshake {
  state: SessionStateName = 'INIT_SENT';
  steps = 0;
  ahead = 0;
  abandoned = false;
  #busy = 0;
  #bytes: number[] = [];
  #output: Uint8Array[] = [];

  get busy(): boolean {
    return this.#busy > 0;
  }

  receive(chunk: Uint8Array): void {
    this.#bytes.push(...chunk);
  }

  detachInput(): void {}

  workAhead(): void {
    this.ahead++;
  }

  abandon(): void {
    this.abandoned = true;
  }

  advance(): Session | null {
    this.steps++;
    if (this.#busy > 0) this.#busy--;
    while (this.#busy === 0) {
      const byte = this.#bytes.shift();
      if (byte === undefined) return null;
      const letter = String.fromCharCode(byte);
      if (letter === 'b') this.#busy = 3;
      else if (letter === 'x') throw new Error('a fault');
      else this.#output.push(Uint8Array.of(byte));
      if (letter === 'c') this.state = 'CHALLENGED';
      if (letter === 's') return SESSION;
    }
    return null;
  }

  takeOutput(): Uint8Array[] {
    return this.#output.splice(0);
  }

  nextTimeout(): bigint | null {
    return null;
  }
}

async function setup(deadlines: Partial<Record<SessionStateName, number>> = {}, idle?: () => boolean) {
  let peer!: net.Socket;
  const port = await rawServer((socket) => void (peer = socket));
  const socket = await rawConnection(port);
  await until(() => peer !== undefined);
  socket.pause();
  const handshake = new ByteHandshake();
  const log: string[] = [];
  let failure: PoolError | undefined;
  const { cancel } = runHandshake({
    socket,
    role: 'client',
    reader: new SocketReader(),
    handshake,
    clock: () => process.hrtime.bigint(),
    expect: (state, now) => ({ deadline: now + BigInt(deadlines[state] ?? 10_000) * MS, overdue: `late in ${state}` }),
    keepsAlive: true,
    idle,
    established: (session, output) => log.push(`session ${session.id[0]} ${Buffer.from(output).toString()}`),
    failed: (error) => {
      failure = error;
      log.push(`${error.code}`);
    },
  });
  return { peer, socket, handshake, log, cancel, failure: () => failure };
}

const listeners = (socket: net.Socket): number => socket.listenerCount('data');

describe('runHandshake', () => {
  it('carries bytes both ways until the session is there, and then lets go of the socket', async () => {
    const { peer, socket, log } = await setup();
    peer.write('he');
    const answer = (await once(peer, 'data')) as [Buffer];
    expect(answer[0].toString()).toBe('he');
    peer.write('llos');
    await until(() => log.length > 0);
    expect(log).toEqual(['session 1 llos']);
    expect(socket.isPaused()).toBe(true);
    expect(listeners(socket)).toBe(0);
  });

  it('works on in later turns while busy, reading nothing meanwhile', async () => {
    const { peer, socket, handshake, log } = await setup();
    peer.write('b');
    await until(() => handshake.busy);
    expect(socket.isPaused()).toBe(true);
    peer.write('s');
    await until(() => log.length > 0);
    expect(handshake.steps).toBeGreaterThanOrEqual(5);
  });

  it('gives each state its own time', async () => {
    const { peer, log, failure } = await setup({ CHALLENGED: 30 });
    peer.write('c');
    await until(() => log.length > 0);
    expect(failure()).toMatchObject({ code: 'ERR_POOL_TIMEOUT', message: 'late in CHALLENGED' });
  });

  it('does not give a peer more time for each byte', async () => {
    const { peer, failure } = await setup({ INIT_SENT: 60 });
    const drip = setInterval(() => peer.write('.'), 5);
    await until(() => failure() !== undefined);
    clearInterval(drip);
    expect(failure()?.code).toBe('ERR_POOL_TIMEOUT');
  });

  it.each([
    ['sends FIN', (peer: net.Socket) => void peer.end()],
    ['resets', (peer: net.Socket) => void peer.resetAndDestroy()],
  ])('fails once when the peer %s', async (_what, leave) => {
    const { peer, socket, handshake, log } = await setup();
    leave(peer);
    await until(() => log.length > 0);
    socket.destroy();
    await turn();
    await turn();
    expect(log).toEqual(['ECONNRESET']);
    expect(handshake.abandoned).toBe(true);
  });

  it('makes a PoolError of what a protocol should not have thrown', async () => {
    const { peer, log, failure } = await setup();
    peer.write('x');
    await until(() => log.length > 0);
    expect(failure()).toMatchObject({ code: 'ERR_POOL_PROTOCOL', cause: { message: 'a fault' } });
  });

  it('says nothing any more once cancelled', async () => {
    const { peer, socket, handshake, log, cancel } = await setup();
    peer.write('b');
    await until(() => handshake.busy);
    cancel();
    const { steps } = handshake;
    for (let i = 0; i < 5; i++) await turn();
    expect(handshake.steps).toBe(steps);
    expect(listeners(socket)).toBe(0);
    expect(log).toEqual([]);
    expect(handshake.abandoned).toBe(true);
  });

  it('works ahead while it waits for the peer, what it had to say being written, and only where nobody else wants it', async () => {
    let alone = false;
    const { peer, handshake, log } = await setup({}, () => alone);
    const echo = async (letter: string): Promise<void> => {
      peer.write(letter);
      expect(String((await once(peer, 'data'))[0])).toBe(letter);
    };
    await echo('a');
    expect(handshake.ahead).toBe(0);
    alone = true;
    await echo('d');
    await until(() => handshake.ahead === 1);
    peer.write('b');
    await until(() => handshake.busy);
    await until(() => !handshake.busy);
    const { ahead } = handshake;
    peer.write('s');
    await until(() => log.length > 0);
    expect(handshake.ahead).toBe(ahead);
    expect(handshake.abandoned).toBe(false);
  });

  it('fails at once on a socket that is gone', () => {
    const socket = new net.Socket();
    socket.destroy();
    const codes: string[] = [];
    runHandshake({
      socket,
      role: 'client',
      reader: new SocketReader(),
      handshake: new ByteHandshake(),
      clock: () => 0n,
      expect: () => ({ deadline: 1n, overdue: '' }),
      keepsAlive: true,
      established: () => codes.push('established'),
      failed: (error) => codes.push(error.code),
    });
    expect(codes).toEqual(['ECONNRESET']);
  });
});
