import { once } from 'node:events';
import http from 'node:http';
import { describe, expect, it } from 'vitest';
import { Agent, serveHttp } from '../../src/http/index.js';
import { type DialOptions, generateIdentity, listen } from '../../src/index.js';
import { pipe } from '../../src/testing/index.js';
import { backend, open, serve } from './pool-pair.js';

/** An Agent whose dials are noted, and lead into memory to `answer`. */
function noted(options: ConstructorParameters<typeof Agent>[0] = {}) {
  const dials: [unknown, DialOptions | undefined][] = [];
  const server = http.createServer((request, response) => response.end(request.headers.host));
  const agent = new Agent(options, {
    dial: async (address, dialOptions) => {
      dials.push([address, dialOptions]);
      const [near, far] = pipe();
      server.emit('connection', far.toDuplex());
      return near;
    },
  });
  return { agent, dials };
}

async function get(url: string, options: http.RequestOptions): Promise<string> {
  const [response] = (await once(http.get(url, options), 'response')) as [http.IncomingMessage];
  let body = '';
  for await (const chunk of response) body += String(chunk);
  return body;
}

describe('Agent', () => {
  it('dials what the URL names; without a port, 9253', async () => {
    const { agent, dials } = noted({ dial: { backend: 'user', timeout: 1000 } });
    expect(await get('http://pool.example/', { agent })).toBe('pool.example');
    expect(await get('http://[::1]:1234/', { agent, family: 6 })).toBe('[::1]:1234');
    const [first, second] = dials;
    expect(first![0]).toEqual({ host: 'pool.example', port: 9253 });
    expect(first![1]).toMatchObject({ backend: 'user', timeout: 1000 });
    expect(second![0]).toEqual({ host: '::1', port: 1234 });
    expect(second![1]).toMatchObject({ backend: 'user', network: 'pool6' });
    agent.destroy();
  });

  it('keeps as many connections as it may, and no more', async () => {
    const { agent, dials } = noted({ maxSockets: 2 });
    const answers = Array.from({ length: 10 }, () => get('http://h/', { agent }));
    expect(await Promise.all(answers)).toEqual(Array(10).fill('h'));
    expect(dials).toHaveLength(2);
    agent.destroy();
  });

  it.each([
    ['null', null, 'ERR_INVALID_ARG_TYPE'],
    ['a signal in their place', new AbortController().signal, 'ERR_INVALID_ARG_TYPE'],
    ['a signal, which would end no dial', { signal: new AbortController().signal }, 'ERR_INVALID_ARG_VALUE'],
  ])('refuses options of its dials that are, or have, %s', (_, dial, code) => {
    expect(() => new Agent({ dial: dial as never })).toThrow(expect.objectContaining({ code }));
  });

  it("makes a failed dial the request's error", async () => {
    const listener = await open();
    const { port } = listener.addr;
    await listener.close();
    const agent = new Agent({ dial: { backend } });
    const request = http.get(`http://127.0.0.1:${port}/`, { agent });
    const [error] = (await once(request, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNREFUSED');
    expect(error.message).toContain(`dial pool 127.0.0.1:${port}`);
    const local = http.get({ socketPath: '/tmp/x', agent });
    expect(((await once(local, 'error')) as NodeJS.ErrnoException[])[0]!.code).toBe('ERR_INVALID_ARG_VALUE');
  });

  it('proves who the peer is where its dials do, and lets no request say so alone', async () => {
    const [ours, other] = [generateIdentity(), generateIdentity()];
    const listener = await listen('127.0.0.1:0', {
      backend: 'user',
      identity: ours.privateKey,
      peers: 'anyone',
    });
    const served = serveHttp(
      listener,
      http.createServer((_request, response) => response.end('ok')),
    );
    const url = `http://127.0.0.1:${listener.addr.port}/`;
    const agentFor = (peer: string) => new Agent({ dial: { backend: 'user', peers: [peer] } });
    const [right, wrong] = [agentFor(ours.line), agentFor(other.line)];
    const refusal = async (agent: Agent, options = {}): Promise<NodeJS.ErrnoException> => {
      const [error] = (await once(http.get(url, { agent, ...options }), 'error')) as [NodeJS.ErrnoException];
      return error;
    };
    try {
      expect(await get(url, { agent: right })).toBe('ok');
      expect((await refusal(wrong)).code).toBe('ERR_POOL_AUTH_FAILED');
      const { agent, dials } = noted();
      for (const name of ['peers', 'identity', 'psk']) {
        const error = await refusal(agent, { [name]: ours.line });
        expect(error.code).toBe('ERR_INVALID_ARG_VALUE');
        expect(error.message).toContain(`a request has no option "${name}": pass { dial: { ${name} } } to the Agent`);
      }
      expect(dials).toEqual([]);
    } finally {
      right.destroy();
      wrong.destroy();
      await listener.close({ connections: 'destroy' });
      await served;
    }
  });

  it('ends dials that are under way: when a request is given up, and when it is destroyed', async () => {
    const reasons: unknown[] = [];
    const agent = new Agent(
      {},
      {
        dial: (_address, options) =>
          new Promise((_resolve, reject) => {
            const { signal } = options!;
            signal!.addEventListener('abort', () => {
              reasons.push((signal!.reason as Error).message);
              reject(signal!.reason as Error);
            });
          }),
      },
    );
    const request = http.get('http://h/', { agent, timeout: 20 });
    await once(request, 'timeout');
    request.destroy(new Error('too slow'));
    expect(((await once(request, 'error')) as Error[])[0]!.message).toBe('too slow');
    expect(reasons).toEqual(['too slow']);
    const failed = once(http.get('http://h/', { agent }), 'error');
    await new Promise((resolve) => setImmediate(resolve));
    agent.destroy();
    expect(((await failed) as NodeJS.ErrnoException[])[0]!.code).toBe('ECONNRESET');
    expect(reasons).toHaveLength(2);
  });

  it('dials anew when the server has closed an idle connection', async () => {
    const server = http.createServer((_request, response) => response.end('here'));
    const service = await serve(server);
    try {
      expect(await get(service.url, { agent: service.agent })).toBe('here');
      const free = () => Object.values(service.agent.freeSockets).flat();
      // It is given back some turns after the body's end.
      while (free().length === 0) await new Promise((resolve) => setImmediate(resolve));
      const [idle] = free();
      const closed = new Promise((resolve) => idle!.once('close', resolve));
      server.closeIdleConnections();
      await closed;
      expect(Object.values(service.agent.freeSockets).flat()).toHaveLength(0);
      expect(await get(service.url, { agent: service.agent })).toBe('here');
    } finally {
      await service.stop();
    }
  });
});
