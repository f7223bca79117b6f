import { once } from 'node:events';
import { readdirSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resetSocket } from '../../src/base/reset-socket.js';

/** The FIN of an end that has nothing to wait for is under way from the next turn of the microtasks on. */
const turn = async (turns: number): Promise<void> => {
  for (let i = 0; i < turns; i++) await new Promise<void>((resolve) => process.nextTick(resolve));
};

const descriptors = (): number => readdirSync('/proc/self/fd').length;

describe('resetSocket', () => {
  let server: Server;
  let accepted: Promise<Socket>;
  const path = join(tmpdir(), `pool-ts-reset-${process.pid}.sock`);

  const serve = async (where: number | string): Promise<void> => {
    server = createServer({ allowHalfOpen: true });
    accepted = once(server, 'connection').then(([socket]) => (socket as Socket).on('error', () => undefined));
    server.listen(typeof where === 'string' ? { path: where } : { port: where, host: '127.0.0.1' });
    await once(server, 'listening');
  };
  const dial = async (): Promise<Socket> => {
    const where = server.address();
    const socket = typeof where === 'string' ? connect(where) : connect((where as AddressInfo).port, '127.0.0.1');
    await once(
      socket.on('error', () => undefined),
      'connect',
    );
    return socket;
  };

  beforeEach(() => rmSync(path, { force: true }));
  afterEach(() => void server.close());

  it('tells the peer of a reset, not of an end', async () => {
    await serve(0);
    const [near, far] = await Promise.all([dial(), accepted]);
    const failed = once(far.resume(), 'error');
    resetSocket(near);
    expect((await failed)[0]).toMatchObject({ code: 'ECONNRESET' });
  });

  it.each(
    [
      ['at once', (socket: Socket) => void socket] as const,
      ['behind an end', (socket: Socket) => void socket.end()] as const,
      ['behind an end and what was written', (socket: Socket) => void socket.end(Buffer.alloc(100_000))] as const,
    ].flatMap(([when, before]) => [0, 1].map((turns) => ({ when, before, turns }))),
  )(
    'gives the descriptor back $when, also where it is destroyed $turns microtasks later',
    async ({ before, turns }) => {
      await serve(0);
      const [near, far] = await Promise.all([dial(), accepted]);
      const open = descriptors();
      const closed = once(near, 'close');
      before(near);
      resetSocket(near);
      await turn(turns);
      near.destroy();
      await closed;
      expect(descriptors()).toBe(open - 1);
      far.destroy();
    },
  );

  it('ends a unix socket, which knows no reset', async () => {
    await serve(path);
    const [near, far] = await Promise.all([dial(), accepted]);
    const ended = once(far.resume(), 'end');
    resetSocket(near);
    await ended;
    far.destroy();
  });
});
