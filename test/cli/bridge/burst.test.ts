/** 200 connections at once from one address, through both bridges, and as many requests through Agent: none is lost. */
import { once } from 'node:events';
import http from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Links } from '../../../src/cli/bridge/open-links.js';
import { poolToTcp } from '../../../src/cli/bridge/pool-to-tcp.js';
import { parseTcpAddress } from '../../../src/cli/bridge/tcp-address.js';
import { tcpToPool, toDestination } from '../../../src/cli/bridge/tcp-to-pool.js';
import { Agent, serveHttp } from '../../../src/http/index.js';
import { listen } from '../../../src/index.js';

const COUNT = 200;
const backend = 'user' as const;

/** The answer of a TCP server to 1000 bytes, or the code of what went wrong. The connection stays open. */
function ask(port: number, sockets: Socket[]): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    socket.on('data', (chunk: Buffer) => resolve(chunk.toString()));
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.on('close', () => resolve('closed'));
    socket.write(Buffer.alloc(1000));
  });
}

describe('200 at once', { timeout: 180_000 }, () => {
  it('pass through a bridge to POOL and one back', async () => {
    const broken: unknown[] = [];
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      let got = 0;
      socket.on('error', () => undefined);
      socket.on('data', ({ length }: Buffer) => {
        got += length;
        if (got === 1000) socket.write('all');
      });
    });
    server.listen(0, '127.0.0.1', 511);
    await once(server, 'listening');
    const target = parseTcpAddress(`127.0.0.1:${(server.address() as AddressInfo).port}`, 'connect');
    const options = { halfCloseTimeout: 60_000, timeout: 60_000 };
    const links = (): Links => new Links(1000, (_peer, error) => broken.push(error));
    const [front, back] = [links(), links()];
    const far = await poolToTcp('127.0.0.1:0', target, { ...options, links: back, listen: { backend } });
    const near = await tcpToPool(parseTcpAddress('127.0.0.1:0', 'listen'), {
      ...options,
      links: front,
      dialled: toDestination(far.address, { backend }),
    });
    onTestFinished(async () => {
      for (const socket of sockets) socket.destroy();
      await Promise.all([near.close(), far.close(), front.end(0), back.end(0)]);
      server.close();
    });
    const port = Number(near.address.split(':')[1]);
    const answers = await Promise.all(Array.from({ length: COUNT }, () => ask(port, sockets)));
    expect(answers).toEqual(Array.from({ length: COUNT }, () => 'all'));
    expect(broken).toEqual([]);
  });

  it('are answered through Agent', async () => {
    const listener = await listen('127.0.0.1:0', { backend });
    const server = http.createServer((request, response) => response.end(request.url));
    const serving = serveHttp(listener, server);
    const agent = new Agent({ dial: { backend } });
    onTestFinished(async () => {
      agent.destroy();
      await listener.close({ connections: 'destroy' });
      await serving;
    });
    const get = async (path: string): Promise<string> => {
      const request = http.get(`http://127.0.0.1:${listener.addr.port}${path}`, { agent });
      const [response] = (await once(request, 'response')) as [http.IncomingMessage];
      let body = '';
      for await (const chunk of response) body += String(chunk);
      return body;
    };
    const paths = Array.from({ length: COUNT }, (_, index) => `/${index}`);
    expect(await Promise.all(paths.map(get))).toEqual(paths);
  });
});
