/** TCP and unix sockets as the bridge uses them: with half-open connections, and errors in one line. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { formatStreamAddress, type StreamAddress } from './stream-address.js';

/** Listens; each connection goes to `accepted`. @throws (rejects) the system's error: EADDRINUSE, EACCES... */
export async function listenTcp(address: StreamAddress, accepted: (socket: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    guard(socket);
    accepted(socket);
  });
  // Of TCP no host is every address.
  server.listen('host' in address && address.host === '' ? { port: address.port } : address);
  await once(server, 'listening');
  return server;
}

/** Connects. @throws (rejects) the system's error, ETIMEDOUT after `timeout` ms, the signal's reason */
export async function connectTcp(address: StreamAddress, timeout: number, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted();
  const socket = guard(connect({ ...target(address), allowHalfOpen: true }));
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

function target(address: StreamAddress): { path: string } | { host: string; port: number } {
  if ('path' in address) return address;
  // Checked where the address was read: a descriptor is to listen on.
  if ('fd' in address) throw new TypeError('a descriptor is no destination');
  return { host: address.host === '' ? 'localhost' : address.host, port: address.port };
}

/** A socket whose error nobody hears yet must not end the process: who uses it finds `errored`. */
function guard(socket: Socket): Socket {
  return socket.on('error', () => undefined);
}

function timedOut(address: StreamAddress, timeout: number): Error {
  const message = `connect ${formatStreamAddress(address)}: no answer within ${timeout} ms`;
  return Object.assign(new Error(message), { code: 'ETIMEDOUT', errno: -110 });
}

/** A name with several addresses fails with an error for each, and no message. */
function firstOf(error: unknown): unknown {
  return error instanceof AggregateError ? (error.errors[0] ?? error) : error;
}
