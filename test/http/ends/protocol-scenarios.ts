/** Node's own protocols, ws and TLS on a connection that one side ends: what each program sees of it. */
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import tls from 'node:tls';
import { WebSocket, WebSocketServer } from 'ws';
import { selfSigned } from '../../../bench/certificate.js';
import { End, Party, type Socket } from './party.js';
import type { Place, Wire } from './wires.js';

export type ProtocolScenario = (wire: Wire) => Promise<Record<string, Party>>;

const MIB = 1 << 20;

/** Runs with a place, and ends it whatever happens. */
async function at(
  wire: Wire,
  server: Parameters<Wire['serve']>[0],
  run: (place: Place) => Promise<Record<string, Party>>,
): Promise<Record<string, Party>> {
  const place = await wire.serve(server);
  try {
    return await run(place);
  } finally {
    await place.stop();
  }
}

/** A client that sends bytes of its own making to a server of Node's. */
const raw = (bytes: string | Buffer, options: http.ServerOptions, handler: http.RequestListener): ProtocolScenario => {
  return (wire) =>
    at(wire, http.createServer(options, handler), async (place) => {
      const client = new End(place.connect()).flow();
      client.socket.write(bytes);
      await client.closed;
      // The date is of no interest.
      return { client: client.party };
    });
};

/** Asks, and notes what becomes of it. Settles when the request is over. */
async function ask(place: Place, party: Party, options: http.RequestOptions, body: Buffer[] = []): Promise<void> {
  const request = http.request(`http://${place.url}/`, { agent: place.agent, ...options });
  party.watch(request, 'request ', ['error', 'abort']);
  request.on('response', (response) => {
    party.note(`status ${response.statusCode}`);
    response.on('data', (piece: Buffer) => party.data('data', piece));
    party.watch(response, 'response ', ['end', 'error', 'aborted', 'close']);
  });
  const over = new Promise((resolve) => request.on('close', resolve));
  for (const piece of body) request.write(piece);
  request.end();
  await over;
}

/** A server with one handler, and a request to it; both are watched. */
const exchange = (
  handler: (request: http.IncomingMessage, response: http.ServerResponse, server: http.Server) => void,
  options: http.RequestOptions = {},
  client?: (request: http.ClientRequest) => void,
): ProtocolScenario => {
  return (wire) => {
    const parties = { client: new Party(), server: new Party() };
    let over!: () => void;
    const served = new Promise<void>((resolve) => (over = resolve));
    const server: http.Server = http.createServer((request, response) => {
      parties.server.watch(request, 'request ', ['error', 'aborted', 'end']);
      parties.server.watch(response, 'response ', ['finish', 'error', 'close']);
      response.on('close', over);
      handler(request, response, server);
    });
    return at(wire, server, async (place) => {
      const request = http.request(`http://${place.url}/`, { agent: place.agent, ...options });
      parties.client.watch(request, 'request ', ['error']);
      request.on('response', (response) => {
        parties.client.note(`status ${response.statusCode}`);
        response.on('data', (piece: Buffer) => parties.client.data('data', piece));
        parties.client.watch(response, 'response ', ['end', 'error', 'aborted']);
      });
      const closed = new Promise((resolve) => request.on('close', resolve));
      client?.(request);
      if (!request.writableEnded && options.method !== 'POST') request.end();
      await closed;
      await served;
      return parties;
    });
  };
};

/** A request of which the client does something once the server has begun to read it. With a body, part of one is sent. */
const begun = (options: http.RequestOptions, act: (request: http.ClientRequest) => void): ProtocolScenario => {
  return (wire) => {
    let tell!: () => void;
    const told = new Promise<void>((resolve) => (tell = resolve));
    const body = options.method === 'POST';
    const handler = (request: http.IncomingMessage): void => {
      request.resume();
      if (body) request.once('data', tell);
      else tell();
    };
    const client = (request: http.ClientRequest): void => {
      if (body) request.write('part');
      void told.then(() => act(request));
    };
    return exchange(handler, options, client)(wire);
  };
};

/** An HTTP/2 session with one stream that is open, and a way to end it. */
const session = (
  end: (of: {
    client: http2.ClientHttp2Session;
    server: http2.ServerHttp2Session;
    socket: Socket;
    request: http2.ClientHttp2Stream;
    stream: http2.ServerHttp2Stream;
  }) => void,
  { answers = false, graceful = answers }: { answers?: boolean; graceful?: boolean } = {},
): ProtocolScenario => {
  return (wire) => {
    const parties = { client: new Party(), server: new Party(), 'the stream, client': new Party() };
    const server = http2.createServer();
    // As a server does that is not interested in errors; one that comes all the same fails the test.
    server.on('sessionError', (error: Error) => parties.server.failed('sessionError', error));
    const opened = once(server, 'session') as Promise<[http2.ServerHttp2Session]>;
    const streamed = once(server, 'stream') as Promise<[http2.ServerHttp2Stream]>;
    return at(wire, server, async (place) => {
      const socket = place.connect();
      const client = http2.connect('http://pool', { createConnection: () => socket });
      // How many GOAWAYs a graceful end has depends on how fast it is.
      const events = graceful ? ['error', 'close'] : ['error', 'goaway', 'close'];
      parties.client.watch(client, '', events);
      const request = client.request({ ':path': '/', ':method': 'POST' });
      request.on('data', (piece: Buffer) => parties['the stream, client'].data('data', piece));
      parties['the stream, client'].watch(request, '', ['response', 'end', 'error', 'aborted', 'close']);
      const [serverSession] = await opened;
      parties.server.watch(serverSession, '', events);
      const [stream] = await streamed;
      stream.on('error', () => {});
      stream.respond();
      // One after the other: what comes together, Node tells in another order on a stream that is no net.Socket.
      await once(request, 'response');
      stream.write('part');
      await once(request, 'data');
      if (answers) {
        stream.end('whole');
        request.end();
        await once(request, 'close');
      }
      const closed = [client, serverSession].map((one) => new Promise((resolve) => one.once('close', resolve)));
      end({ client, server: serverSession, socket, request, stream });
      await Promise.all(closed);
      return parties;
    });
  };
};

/** A WebSocket that is open at both ends. */
const webSocket = (act: (client: WebSocket, server: WebSocket) => void): ProtocolScenario => {
  return (wire) => {
    const parties = { client: new Party(), server: new Party() };
    const server = http.createServer();
    const sockets = new WebSocketServer({ server });
    const arrived = once(sockets, 'connection') as Promise<[WebSocket]>;
    return at(wire, server, async (place) => {
      const client = new WebSocket(`ws://${place.url}`, { agent: place.agent });
      const [[accepted]] = await Promise.all([arrived, once(client, 'open')]);
      const both = [client, accepted] as const;
      for (const [i, one] of both.entries()) {
        const party = i === 0 ? parties.client : parties.server;
        one.on('message', (data: Buffer) => party.note(`message ${String(data)}`));
        one.on('error', (error) => party.failed('error', error));
        one.on('close', (code, reason) => party.note(`close ${code} ${String(reason)}`));
      }
      const closed = both.map((one) => new Promise((resolve) => one.once('close', resolve)));
      act(client, accepted);
      await Promise.all(closed);
      return parties;
    });
  };
};

const identity = selfSigned('server');

/** TLS on the connection. */
const secure = (act: (client: tls.TLSSocket, server: tls.TLSSocket, socket: Socket) => void): ProtocolScenario => {
  return (wire) => {
    const server = tls.createServer(identity);
    const arrived = once(server, 'secureConnection') as Promise<[tls.TLSSocket]>;
    return at(wire, server, async (place) => {
      const socket = place.connect();
      const client = tls.connect({ socket, ca: [identity.cert], checkServerIdentity: () => undefined });
      const [[accepted]] = await Promise.all([arrived, once(client, 'secureConnect')]);
      const ends = [new End(client).flow(), new End(accepted).flow()];
      act(client, accepted, socket);
      await Promise.all(ends.map(({ closed }) => closed));
      return { client: ends[0]!.party, server: ends[1]!.party };
    });
  };
};

const UPLOAD = Array.from({ length: 160 }, () => Buffer.alloc(65_536, 'u'));

export const protocolScenarios: Record<string, ProtocolScenario> = {
  'http: bytes that are no request get 400': raw('no request\r\n\r\n', {}, () => {}),
  'http: a request that takes too long gets 408': raw(
    'GET / HTTP/1.1\r\n',
    { headersTimeout: 50, connectionsCheckingInterval: 20 },
    () => {},
  ),
  'http: headers that are too long get 431': raw(
    `GET / HTTP/1.1\r\nHost: h\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
    {},
    () => {},
  ),
  'http: HTTP/1.0, whose answer ends with the connection': raw('GET / HTTP/1.0\r\n\r\n', {}, (_request, response) => {
    response.removeHeader('date');
    response.end('answer');
  }),
  'http: an answer and the end before the upload is through': (wire) =>
    at(
      wire,
      http.createServer((request, response) => {
        request.once('data', () => {
          response.writeHead(413, { connection: 'close' });
          response.end('too large');
        });
      }),
      async (place) => {
        const client = new Party();
        const request = http.request(`http://${place.url}/`, { agent: place.agent, method: 'POST' });
        // Whether what was still to be uploaded is told as an error is the chance of the moment, on TCP too.
        request.on('error', () => {});
        const answered = once(request, 'response') as Promise<[http.IncomingMessage]>;
        for (const piece of UPLOAD) request.write(piece);
        const [response] = await answered;
        client.note(`status ${response.statusCode}`);
        for await (const piece of response as AsyncIterable<Buffer>) client.data('data', piece);
        client.note('end');
        request.destroy();
        return { client };
      },
    ),
  'http: the client gives up before an answer': begun({}, (request) => void request.destroy()),
  'http: the client gives up in the middle of an answer': exchange(
    (request, response) => {
      request.resume();
      response.write('part');
    },
    {},
    (request) => request.on('response', (response) => response.once('data', () => request.destroy())),
  ),
  'http: the client gives up in the middle of its upload': begun(
    { method: 'POST' },
    (request) => void request.destroy(),
  ),
  'http: the server breaks off before it answers': exchange((request) => void request.socket.destroy()),
  'http: the server breaks off in the middle of its answer': exchange((_request, response) => {
    response.writeHead(200, { 'content-length': 100 });
    response.write('part', () => response.destroy());
  }),
  'http: the server resets before it answers': exchange((request) => void (request.socket as Socket).resetAndDestroy()),
  'http: the server resets in the middle of its answer': exchange((request, response) => {
    response.writeHead(200, { 'content-length': 100 });
    response.write('part', () => void (request.socket as Socket).resetAndDestroy());
  }),
  'http: the client resets in the middle of its upload': begun(
    { method: 'POST' },
    (request) => void (request.socket as unknown as Socket).resetAndDestroy(),
  ),
  'http: the client gives up after a time': begun({}, (request) => {
    request.setTimeout(30, () => request.destroy());
  }),
  'http: the server gives up after a time': exchange(
    (request) => void request.setTimeout(50, () => request.socket.destroy()),
  ),
  'http: the server stops while it answers': exchange((_request, response, server) => {
    response.setHeader('connection', 'close');
    response.write('part', () => {
      server.closeIdleConnections();
      response.end('whole');
    });
  }),
  'http: an answer that ends with the connection': exchange(
    (_request, response) => {
      response.setHeader('connection', 'close');
      response.end('answer');
    },
    { headers: { connection: 'close' } },
  ),
  'http: a large answer that ends with the connection': exchange((request, response) => {
    request.resume();
    response.setHeader('connection', 'close');
    response.end(Buffer.alloc(4 * MIB, 'a'));
  }),
  'http: an idle connection that the server closes': (wire) => {
    const server = http.createServer((_request, response) => response.end('answer'));
    return at(wire, server, async (place) => {
      const client = new Party();
      const request = http.get(`http://${place.url}/`, { agent: place.agent });
      const [response] = (await once(request, 'response')) as [http.IncomingMessage];
      const { socket } = response;
      await response.toArray();
      while (!Object.values(place.agent.freeSockets).flat().includes(socket)) await new Promise(setImmediate);
      client.stream(socket);
      const closed = new Promise((resolve) => socket.once('close', resolve));
      server.closeIdleConnections();
      await closed;
      return { client };
    });
  },
  'http: all connections that the server closes': exchange((_request, response, server) => {
    response.write('part', () => server.closeAllConnections());
  }),
  'http: an upgrade whose client ends': (wire) => {
    const server = http.createServer();
    const upgraded = new Promise<End>((resolve) => {
      server.on('upgrade', (_request, socket) => {
        const end = new End(socket as unknown as Socket).flow();
        // The sockets of Node's own server are half open.
        socket.once('end', () => socket.end());
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
        resolve(end);
      });
    });
    return at(wire, server, async (place) => {
      const request = http.get(`http://${place.url}/`, {
        agent: place.agent,
        headers: { connection: 'Upgrade', upgrade: 'x' },
      });
      const [, socket] = (await once(request, 'upgrade')) as [unknown, Socket];
      const client = new End(socket).flow();
      const accepted = await upgraded;
      socket.write('bye');
      socket.destroySoon();
      await Promise.all([client.closed, accepted.closed]);
      return { client: client.party, server: accepted.party };
    });
  },
  'http: nobody listens': async (wire) => {
    const place = await wire.nowhere();
    const client = new Party();
    await ask(place, client, {});
    return { client };
  },
  'http2: the client closes': session(({ client }) => client.close(), { answers: true }),
  'http2: the server closes': session(({ server }) => server.close(), { answers: true }),
  'http2: the client destroys its session': session(({ client }) => client.destroy()),
  'http2: the server destroys its session': session(({ server }) => server.destroy()),
  "http2: the client's connection is reset": session(({ socket }) => void socket.resetAndDestroy()),
  "http2: the client's connection is destroyed": session(({ socket }) => void socket.destroy()),
  'http2: the server destroys its session for an error': session(({ server }) => {
    server.on('error', () => {});
    server.destroy(new Error('reason'), http2.constants.NGHTTP2_INTERNAL_ERROR);
  }),
  'http2: the client closes with a stream that is open, which the server ends': session(
    ({ client, stream }) => {
      client.close();
      stream.end('whole');
    },
    { graceful: true },
  ),
  'http2: the client cancels a stream, and closes': session(
    ({ client, request }) => {
      request.close(http2.constants.NGHTTP2_CANCEL);
      client.close();
    },
    { graceful: true },
  ),
  'http2: the server resets a stream, and closes': session(
    ({ server, stream }) => {
      stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
      server.close();
    },
    { graceful: true },
  ),
  'ws: the client closes': webSocket((client) => client.close(4000, 'enough')),
  'ws: the server closes': webSocket((_client, server) => server.close(4001, 'enough')),
  'ws: the client closes behind a message': webSocket((client) => {
    client.send('last words');
    client.close();
  }),
  'ws: the client terminates': webSocket((client) => client.terminate()),
  'ws: the server terminates': webSocket((_client, server) => server.terminate()),
  'ws: the server terminates behind a message': webSocket((_client, server) => {
    server.send('last words', () => server.terminate());
  }),
  'ws: the client sends what is no frame': webSocket((client) => {
    (client as unknown as { _socket: Socket })._socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff]));
  }),
  'tls: the client ends': secure((client) => void client.end('bye')),
  'tls: the server ends': secure((_client, server) => void server.end('bye')),
  "tls: the client's connection is reset": secure((_client, _server, socket) => void socket.resetAndDestroy()),
  "tls: the client's connection is destroyed": secure((_client, _server, socket) => void socket.destroy()),
  'tls: the client ends behind much, and the server is slow': secure((client, server) => {
    server.pause();
    client.end(Buffer.alloc(MIB, 'x'), () => {});
    setImmediate(() => server.resume());
  }),
  'tls: the client is destroyed': secure((client) => void client.destroy()),
  'tls: the server is destroyed': secure((_client, server) => void server.destroy()),
};
