import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http2 from 'node:http2';
import { afterEach, describe, expect, it } from 'vitest';
import { createConnection } from '../../src/http/index.js';
import { backend, connPair, serve } from './pool-pair.js';
import { randomBytes } from '../random.js';

const stops: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');

/** Asks for each path at once, on one session. */
async function askAll(session: http2.ClientHttp2Session, paths: string[]): Promise<string[]> {
  return Promise.all(
    paths.map(async (path) => {
      const stream = session.request({ ':path': path });
      const chunks: Buffer[] = [];
      for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
      return sha256(Buffer.concat(chunks));
    }),
  );
}

const bodies = new Map(Array.from({ length: 20 }, (_, i) => [`/${i}`, randomBytes(1 + i * 50_000)]));

function answer(request: http2.Http2ServerRequest, response: http2.Http2ServerResponse): void {
  response.end(bodies.get(request.url)!);
}

describe('HTTP/2 over POOL', () => {
  it('runs many streams on a session that http2.connect dials', async () => {
    const server = http2.createServer(answer);
    const service = await serve(server);
    stops.push(service.stop);
    const { port } = service.listener.addr;
    const session = http2.connect(`http://127.0.0.1:${port}`, {
      createConnection: ({ host }) => createConnection(host, { backend }),
    });
    expect(await askAll(session, [...bodies.keys()])).toEqual([...bodies.values()].map(sha256));
    session.close();
    await once(session, 'close');
  });

  it('runs on the Duplexes of Conns, and ends with the Conn', async () => {
    const pair = await connPair();
    stops.push(pair.stop);
    http2.createServer(answer).emit('connection', pair.server.toDuplex());
    const session = http2.connect('http://pool', { createConnection: () => pair.client.toDuplex() });
    expect(await askAll(session, ['/3', '/7'])).toEqual([sha256(bodies.get('/3')!), sha256(bodies.get('/7')!)]);
    session.close();
    await once(session, 'close');
    // Whose CLOSE comes first is a race: a server ends its side, too, once it has read GOAWAY.
    expect((await pair.client.closed).error).toBeUndefined();
  });
});
