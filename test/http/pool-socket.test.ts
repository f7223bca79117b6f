import { getEventListeners, once } from 'node:events';
import { PoolError } from '../../src/index.js';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createConnection } from '../../src/http/index.js';
import { PoolSocket } from '../../src/http/pool-socket.js';
import { pipe } from '../../src/testing/index.js';
import { backend, open } from './pool-pair.js';
import { randomBytes } from '../random.js';

describe('createConnection', () => {
  it('gives a stream at once, which keeps what is written until the session is there', async () => {
    const listener = await open();
    const socket = createConnection({ host: '127.0.0.1', port: listener.addr.port }, { backend });
    expect(socket).toMatchObject({ connecting: true, pending: true, readyState: 'opening', remoteAddress: undefined });
    expect(socket.address()).toEqual({});
    const data = randomBytes(300_000);
    socket.write(data);
    // Either end may be the first to know.
    const [conn] = await Promise.all([listener.accept(), once(socket, 'connect')]);
    expect(socket).toMatchObject({
      connecting: false,
      readyState: 'open',
      remoteAddress: '127.0.0.1',
      remotePort: listener.addr.port,
      remoteFamily: 'IPv4',
    });
    const chunks: Uint8Array[] = [];
    for (let left = data.length; left > 0; left -= chunks.at(-1)!.length) chunks.push((await conn.readMessage())!);
    expect(Buffer.concat(chunks).equals(data)).toBe(true);
    const got = once(socket, 'data');
    await conn.writeMessage('answer');
    expect(String((await got)[0])).toBe('answer');
    expect(socket.bytesRead).toBe(6);
    const seen: string[] = [];
    for (const name of ['end', 'finish', 'close']) socket.on(name, () => seen.push(name));
    await Promise.all([new Promise((resolve) => socket.once('close', resolve)), conn.close()]);
    expect(seen).toEqual(['end', 'finish', 'close']);
    await listener.close();
  });

  it('fails with what the dial rejects with', async () => {
    const [error] = (await once(createConnection('300.1.1.1:bad', { backend }), 'error')) as [NodeJS.ErrnoException];
    expect(error).toBeInstanceOf(PoolError);
    expect(error.code).toBe('ERR_POOL_INVALID_ADDRESS');
  });

  it.each([
    ['an AbortController in the place of its signal', { signal: new AbortController() }],
    ['null in the place of the signal', { signal: null }],
    ['a signal in the place of the options', new AbortController().signal],
    ['null in the place of the options', null],
    ['a number in their place', 5],
  ])('fails before it dials where it is given %s', async (_, options) => {
    const [error] = (await once(createConnection('127.0.0.1:1', options as never), 'error')) as [NodeJS.ErrnoException];
    expect(error).toMatchObject({ name: 'PoolError', code: 'ERR_INVALID_ARG_TYPE' });
  });

  it('ends the dial at its signal, which means nothing later', async () => {
    const early = createConnection('127.0.0.1:1', { backend, signal: AbortSignal.abort(new Error('never mind')) });
    expect(((await once(early, 'error')) as [Error])[0].message).toBe('never mind');
    const listener = await open();
    const controller = new AbortController();
    const socket = createConnection(`127.0.0.1:${listener.addr.port}`, { backend, signal: controller.signal });
    const [conn] = await Promise.all([listener.accept(), once(socket, 'connect')]);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
    controller.abort();
    await turn();
    expect(socket.destroyed).toBe(false);
    socket.on('error', () => {});
    socket.destroy();
    conn.destroy();
    await listener.close();
  });
});

describe('PoolSocket', () => {
  it('tells a lost peer by the code that TCP has for it, and why', async () => {
    const [near, far] = pipe();
    const socket = new PoolSocket(async () => near);
    await once(socket, 'connect');
    socket.resume();
    far.destroy();
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNRESET');
    expect((error.cause as PoolError).code).toBe('ERR_POOL_PEER_LOST');
  });

  it('waits for a reader that is slow', async () => {
    const [near, far] = pipe();
    const socket = new PoolSocket(async () => near);
    const data = randomBytes(8 << 20);
    const writing = far.write(data);
    socket.once('readable', () => {});
    let before = -1;
    while (far.bytesWritten !== before || before === 0) {
      before = far.bytesWritten;
      for (let i = 0; i < 50; i++) await turn();
    }
    expect(before).toBeLessThan(3 << 20);
    const chunks: Buffer[] = [];
    for (let size = 0; size < data.length; ) {
      const chunk = socket.read() as Buffer | null;
      if (chunk === null) await once(socket, 'readable');
      else {
        chunks.push(chunk);
        size += chunk.length;
      }
    }
    await writing;
    expect(Buffer.concat(chunks).equals(data)).toBe(true);
    socket.destroy();
  });

  it('leaves no session behind when it is destroyed as the dial succeeds', async () => {
    const [near] = pipe();
    let dialled!: () => void;
    const socket = new PoolSocket(() => new Promise((resolve) => (dialled = () => resolve(near))));
    await turn();
    dialled();
    socket.destroy();
    await near.closed;
    expect(near.state).toBe('closed');
  });
});
