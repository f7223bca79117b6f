/** TCP as the bridge uses it: with half-open connections, and errors in one line. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { formatTcpAddress, type TcpAddress } from './tcp-address.js';

/** Listens; each connection goes to `accepted`. @throws (rejects) the system's error: EADDRINUSE, EACCES... */
export async function listenTcp({ host, port }: TcpAddress, accepted: (socket: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    guard(socket);
    accepted(socket);
  });
  server.listen({ port, ...(host === '' ? {} : { host }) });
  await once(server, 'listening');
  return server;
}

/** Connects. @throws (rejects) the system's error, ETIMEDOUT after `timeout` ms, the signal's reason */
export async function connectTcp(address: TcpAddress, timeout: number, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted();
  const { host, port } = address;
  const socket = guard(connect({ host: host === '' ? 'localhost' : host, port, allowHalfOpen: true }));
  const late = setTimeout(() => socket.destroy(timedOut(address, timeout)), timeout);
  try {
    await once(socket, 'connect', { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    signal.throwIfAborted();
    throw firstOf(error);
  } finally {
    clearTimeout(late);
  }
}

/** A socket whose error nobody hears yet must not end the process: who uses it finds `errored`. */
function guard(socket: Socket): Socket {
  return socket.on('error', () => undefined);
}

function timedOut(address: TcpAddress, timeout: number): Error {
  const message = `connect ${formatTcpAddress(address)}: no answer within ${timeout} ms`;
  return Object.assign(new Error(message), { code: 'ETIMEDOUT', errno: -110 });
}

/** A name with several addresses fails with an error for each, and no message. */
function firstOf(error: unknown): unknown {
  return error instanceof AggregateError ? (error.errors[0] ?? error) : error;
}
