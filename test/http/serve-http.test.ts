import { type EventEmitter, once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { type HttpServer, serveHttp } from '../../src/http/index.js';
import { type FlowDuplex, PoolError } from '../../src/index.js';
import { connect, behaviour, open } from './pool-pair.js';

describe('serveHttp', () => {
  it('gives each session to a function', async () => {
    const listener = await open();
    const serving = serveHttp(listener, (stream) => void stream.pipe(stream));
    const conn = await connect(listener);
    await conn.writeMessage('echo');
    expect(Buffer.from((await conn.readMessage())!).toString()).toBe('echo');
    let served = false;
    void serving.then(() => (served = true));
    await listener.close();
    // A connection that is open keeps it waiting.
    await conn.writeMessage('still');
    expect(Buffer.from((await conn.readMessage())!).toString()).toBe('still');
    expect(served).toBe(false);
    await conn.close();
    await serving;
  });

  it("enforces a server's headersTimeout, though it doesn't listen by itself", async () => {
    const server = http.createServer({ headersTimeout: 50, connectionsCheckingInterval: 20 }, () => {});
    const listener = await open();
    const serving = serveHttp(listener, server);
    const conn = await connect(listener);
    const written = conn.writeMessage('GET / HTTP/1.1\r\n');
    // On a module the server's end may overtake a SEND that a busy machine began late.
    await (behaviour.queuedAtClose === 'kept' ? written : written.catch(() => {}));
    const answer = await conn.readMessage();
    // The server ends right behind it, and a module's program may lose what it has not received by then.
    if (behaviour.queuedAtClose === 'kept' || answer !== null) {
      expect(Buffer.from(answer!).toString()).toContain('408 Request Timeout');
    }
    conn.destroy();
    await listener.close();
    await serving;
    server.close();
  });

  it('goes on when a peer breaks off, and tells onError', async () => {
    const server = http.createServer((_request, response) => response.end('well'));
    const listener = await open();
    const errors: unknown[] = [];
    const serving = serveHttp(listener, server, { onError: (error) => void errors.push(error) });
    const arrived = once(server, 'connection');
    const first = await connect(listener);
    await arrived;
    first.destroy();
    const second = await connect(listener);
    await second.writeMessage('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
    expect(Buffer.from((await second.readMessage())!).toString()).toContain('200 OK');
    second.destroy();
    await listener.close();
    await serving;
    expect(errors.length).toBeLessThanOrEqual(2);
    for (const error of errors) expect(error).toMatchObject({ code: 'ERR_POOL_PEER_LOST' });
    server.close();
  });

  it.each([
    [
      'throws',
      (error: Error): never => {
        throw error;
      },
    ],
    ['rejects', (error: Error) => Promise.reject(error)],
  ])('tells onError what a handler %s, also one that has destroyed its stream', async (_, fail) => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    const listener = await open();
    const errors: unknown[] = [];
    const faults = [new Error('first'), new Error('second')];
    const serving = serveHttp(
      listener,
      (stream) => {
        const [fault] = faults.splice(0, 1);
        if (faults.length === 0) stream.destroy(new Error('of the stream'));
        return fail(fault!);
      },
      { onError: (error) => void errors.push(error) },
    );
    try {
      for (let count = 1; count <= 2; count++) {
        const conn = await connect(listener);
        await conn.closed;
        while (errors.length < count) await turn();
      }
      await listener.close();
      await serving;
      for (let turns = 0; turns < 5; turns++) await turn();
      expect(errors).toEqual([new Error('first'), new Error('second')]);
      expect(unhandled).not.toHaveBeenCalled();
    } finally {
      process.off('unhandledRejection', unhandled);
    }
  });

  it.each([
    ['a signal in the place of the options', new AbortController().signal, 'ERR_INVALID_ARG_TYPE'],
    ['an AbortController', { signal: new AbortController() }, 'ERR_INVALID_ARG_TYPE'],
    ['null', null, 'ERR_INVALID_ARG_TYPE'],
    ['a misspelt option', { conccurrency: 1 }, 'ERR_INVALID_ARG_VALUE'],
    ['a number that is none', { concurrency: 0 }, 'ERR_OUT_OF_RANGE'],
  ])('refuses %s before the server hears that it listens', async (_, options, code) => {
    const server = http.createServer();
    const listening = vi.fn();
    server.on('listening', listening);
    const listener = await open();
    await expect(serveHttp(listener, server, options as never)).rejects.toMatchObject({ code });
    await turn();
    expect(listening).not.toHaveBeenCalled();
    expect(Object.hasOwn(server, 'address')).toBe(false);
    await listener.close();
  });

  it("gives a 'listening' handler the listener's address, as long as it serves", async () => {
    const server = http.createServer((_request, response) => response.end('here'));
    const ports: unknown[] = [];
    server.on('listening', () => ports.push((server.address() as AddressInfo).port));
    const listener = await open();
    const { port } = listener.addr;
    const serving = serveHttp(listener, server);
    const conn = await connect(listener);
    await conn.writeMessage('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
    expect(Buffer.from((await conn.readMessage())!).toString()).toContain('200 OK');
    expect(ports).toEqual([port]);
    expect(server.address()).toMatchObject({ port });
    await conn.close();
    await listener.close();
    await serving;
    expect(server.address()).toBe(null);
    expect(Object.hasOwn(server, 'address')).toBe(false);
    server.close();
  });

  it('lets what a listening handler throws be an uncaught exception, and serves', async () => {
    const server = http.createServer((_request, response) => response.end('here'));
    server.on('listening', () => {
      throw new Error('fault of the program');
    });
    const uncaught = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    const listener = await open();
    try {
      const thrown = once(process as unknown as EventEmitter, 'uncaughtException');
      const serving = serveHttp(listener, server);
      expect(((await thrown) as Error[])[0]!.message).toBe('fault of the program');
      const conn = await connect(listener);
      await conn.writeMessage('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
      expect(Buffer.from((await conn.readMessage())!).toString()).toContain('200 OK');
      await conn.close();
      await listener.close();
      await serving;
    } finally {
      for (const handler of uncaught) process.on('uncaughtException', handler);
      server.close();
    }
  });

  it.each(['close', 'destroy'] as const)(
    'settles when connections: %s ends a stream that nobody reads on',
    async (how) => {
      const listener = await open();
      const streams: Duplex[] = [];
      const arrived = new Promise<void>((resolve) => {
        void serveHttp(listener, (stream) => {
          streams.push(stream.on('data', () => {}).pause());
          stream.on('error', () => {});
          resolve();
        }).then(() => streams.push(streams[0]!));
      });
      const conn = await connect(listener);
      await conn.writeMessage('unread');
      await arrived;
      while (Number((streams[0] as FlowDuplex).bytesRead) === 0) await turn();
      await conn.close();
      const ended = new Promise((resolve) => streams[0]!.once('close', resolve));
      await listener.close({ connections: how });
      await ended;
      while (streams.length < 2) await turn();
    },
  );

  it('refuses what serves nothing', async () => {
    const listener = await open();
    for (const server of [null, 5, {}]) {
      const error: unknown = await serveHttp(listener, server as HttpServer).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(PoolError);
      expect((error as PoolError).code).toBe('ERR_INVALID_ARG_TYPE');
    }
    await listener.close();
  });
});
