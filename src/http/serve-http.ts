/** Node's HTTP servers on a POOL listener. */
import type { EventEmitter } from 'node:events';
import { Server as NetServer } from 'node:net';
import { nextTick } from '../base/timers.js';
import { wrongType } from '../base/arguments.js';
import type { FlowDuplex } from '../pool/streams/duplex.js';
import { withoutNetCode } from '../pool/streams/net-codes.js';
import type { Listener } from '../pool/listener.js';
import { readServeOptions, type ServeOptions } from '../pool/serve.js';

/** Gets each connection, as a listener of a server's 'connection' event does. What an async function rejects with, it throws. */
export type ConnectionHandler = (stream: FlowDuplex) => void | Promise<void>;

/** Anything that serves what its 'connection' event brings: http.Server, https.Server, http2's servers, tls.Server. */
export type HttpServer = Pick<EventEmitter, 'emit' | 'listenerCount'>;

/**
 * Accepts sessions and gives each to `server` as a 'connection', or to a handler of such an event. Settles when the
 * listener is closed and every connection is done; it closes neither listener nor server.
 *
 * An http.Server that doesn't listen by itself is told that it does ('listening'): only then does it enforce
 * `headersTimeout` and `requestTimeout`, and does `closeIdleConnections` work. Its `address()` is the listener's meanwhile.
 * As with net, what a listener of that event throws is an uncaught exception.
 * @param server http.createServer(...), http2.createServer(...), https.createServer(...) for TLS within POOL, or a function
 * @param options as for `listener.serve`. `onError` gets a connection that failed, beside what the server itself makes of it
 * @throws (rejects) ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE before the server is told anything; as
 * `listener.serve`
 * @example
 * const listener = await listen(':9253');
 * await serveHttp(listener, http.createServer((request, response) => response.end('hello POOL')));
 */
export async function serveHttp(
  listener: Listener,
  server: HttpServer | ConnectionHandler,
  options?: ServeOptions,
): Promise<void> {
  const handle = handlerOf(server);
  // Before the server is told that it listens. The spread below would also take a signal in their place for no options.
  readServeOptions(options);
  const listens = server instanceof NetServer && !server.listening;
  const restore = listens ? await announce(server, listener) : (): void => {};
  try {
    await listener.serve(
      async (conn) => {
        const stream = conn.toDuplex({ netCodes: true });
        const ended = untilClosed(stream);
        // Both at once: the end of a stream whose handler has failed is heard, too.
        await Promise.all([ended, new Promise<void>((resolve) => resolve(handle(stream)))]);
      },
      // What a stranger's broken connection is to a server, its own events tell.
      { onError: () => {}, ...options },
    );
  } finally {
    restore();
  }
}

/** What listens for 'listening' asks where. Gives what takes that back. */
async function announce(server: NetServer, listener: Listener): Promise<() => void> {
  const own = Object.getOwnPropertyDescriptor(server, 'address');
  const address = (): ReturnType<NetServer['address']> => listener.address();
  Object.defineProperty(server, 'address', { configurable: true, writable: true, enumerable: false, value: address });
  await new Promise<void>((resolve) => {
    nextTick(() => {
      try {
        server.emit('listening');
      } finally {
        resolve();
      }
    });
  });
  return () => {
    // Two listeners may share a server: the last word is that of who came last.
    if (server.address !== address) return;
    if (own === undefined) Reflect.deleteProperty(server, 'address');
    else Object.defineProperty(server, 'address', own);
  };
}

function handlerOf(server: HttpServer | ConnectionHandler): ConnectionHandler {
  if (typeof server === 'function') return server;
  if (typeof server === 'object' && server !== null && typeof server.emit === 'function') {
    return (stream) => void server.emit('connection', stream);
  }
  throw wrongType('what serves connections', 'a server or a function', server);
}

/** Rejects with the stream's error. Listening to it also means that an error nobody else wants ends no process. */
function untilClosed(stream: FlowDuplex): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.once('error', (error) => reject(withoutNetCode(error)));
    stream.once('close', resolve);
  });
}
