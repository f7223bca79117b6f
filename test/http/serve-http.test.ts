import { once } from 'node:events';
import http from 'node:http';
import { describe, expect, it } from 'vitest';
import { type HttpServer, serveHttp } from '../../src/http/index.js';
import { PoolError } from '../../src/index.js';
import { connect, open } from './pool-pair.js';

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
    await conn.writeMessage('GET / HTTP/1.1\r\n');
    expect(Buffer.from((await conn.readMessage())!).toString()).toContain('408 Request Timeout');
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
    await second.writeMessage('GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
    expect(Buffer.from((await second.readMessage())!).toString()).toContain('200 OK');
    second.destroy();
    await listener.close();
    await serving;
    expect(errors.length).toBeLessThanOrEqual(2);
    for (const error of errors) expect(error).toMatchObject({ code: 'ERR_POOL_PEER_LOST' });
    server.close();
  });

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
