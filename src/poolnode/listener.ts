/** Listens: net.Server, the server's handshakes, slots for those who proved themselves. */
import * as net from 'node:net';
import type { Endpoint, RefuseReason } from '../base/session.js';
import type { PoolError } from '../base/errors.js';
import { bare } from '../base/own-properties.js';
import { sourceOf } from './handshake/admission.js';
import { checkFunction, checkInteger, checkString } from '../base/arguments.js';
import { checkHandshakeLimits, checkWriteStallTimeout } from './arguments.js';
import { IncomingConnection, type IncomingOutcome } from './handshake/incoming-connection.js';
import { LARGEST_SESSION_TABLE, SHARE_OF_ONE_ADDRESS } from './constants.js';
import { endpoint, endpointsOf } from './endpoint.js';
import { HandshakeQueue } from './handshake/handshake-queue.js';
import { keepErrorsHandled, sessionMaker, type NodeDeps } from './node-deps.js';
import { connectError } from './socket-errors.js';
import type { HandshakeLimits, NodeListener, NodeListenOptions } from './types.js';
import { takeAccepted } from './session/accepted-socket.js';
import { setImmediate } from '../base/timers.js';

/** Settles when the port is open. Rejects with an errno name: EADDRINUSE, EACCES, EADDRNOTAVAIL... */
export async function listenAt(node: NodeDeps, options: NodeListenOptions): Promise<NodeListener> {
  const host = checkString('host', options.host ?? '');
  checkInteger('port', options.port, 0, 65535);
  checkFunction('session', Reflect.get(options, 'session'));
  if (options.backlog !== undefined) checkInteger('backlog', options.backlog, 1, 2 ** 31 - 1);
  const handshakes = checkHandshakeLimits(options.handshakes ?? {});
  const writeStallTimeout = checkWriteStallTimeout(options.writeStallTimeout);
  const { maxSessionsPerAddress } = options;
  if (maxSessionsPerAddress !== undefined) {
    checkInteger('maxSessionsPerAddress', maxSessionsPerAddress, 1, LARGEST_SESSION_TABLE);
  }
  const server = net.createServer(bare({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }));
  const where: net.ListenOptions = {
    port: options.port,
    // Node listens on :: without a host, and on 0.0.0.0 where there is no IPv6.
    ...(host === '' ? (options.ipv6Only ? { host: '::' } : {}) : { host }),
    ...(options.ipv6Only === undefined ? {} : { ipv6Only: options.ipv6Only }),
    ...(options.backlog === undefined ? {} : { backlog: options.backlog }),
  };
  const local = await opened(server, bare(where));
  const settings = bare({
    ...options,
    writeStallTimeout,
    handshakes: { ...node.handshakeLimits, ...handshakes },
    maxSessionsPerAddress: maxSessionsPerAddress ?? Math.ceil(SHARE_OF_ONE_ADDRESS * node.table.size),
  });
  return new TcpListener(node, server, local, settings);
}

/** Where it listens then. The port is free again when the system doesn't tell where. */
function opened(server: net.Server, where: net.ListenOptions): Promise<Endpoint> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => reject(connectError(error));
    server.once('error', onError);
    server.listen(where, () => {
      server.off('error', onError);
      try {
        const { address, port } = server.address() as net.AddressInfo;
        resolve(endpoint(address, port));
      } catch (error) {
        server.close();
        onError(error as Error);
      }
    });
  });
}

/** {@link NodeListenOptions}, the limits complete. */
type Settings = NodeListenOptions & {
  handshakes: Partial<HandshakeLimits>;
  maxSessionsPerAddress: number;
  writeStallTimeout: number;
};

class TcpListener implements NodeListener {
  readonly #node: NodeDeps;
  readonly #server: net.Server;
  readonly #options: Settings;
  readonly #door: HandshakeQueue;
  readonly #pending = new Map<IncomingConnection, net.Socket>();
  #closed: Promise<void> | null = null;

  constructor(
    node: NodeDeps,
    server: net.Server,
    readonly local: Endpoint,
    options: Settings,
  ) {
    this.#node = node;
    this.#server = server;
    this.#options = options;
    this.#door = new HandshakeQueue(node.clock, options.handshakes);
    server.on('connection', (socket) => this.#accept(socket));
    // accept(2) failed, for want of file descriptors or memory. The listener lives on, and so does the process; told once,
    // since each further connection fails in the same way.
    server.once('error', (error) => process.emitWarning(`accept failed: ${error.message}`, { code: 'POOL_ACCEPT' }));
    server.on('error', () => {});
  }

  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      // The descriptor, and with it the port, is given back within the call. Its callback would wait for the sessions.
      this.#server.close();
      for (const [candidate, socket] of this.#pending) {
        candidate.cancel();
        socket.destroy();
      }
      this.#pending.clear();
      setImmediate(resolve);
    });
    return this.#closed;
  }

  ref(): void {
    this.#server.ref();
  }

  unref(): void {
    this.#server.unref();
  }

  #accept(accepted: net.Socket): void {
    const { socket, reader } = takeAccepted(accepted);
    keepErrorsHandled(socket);
    const ends = endpointsOf(socket);
    if (ends === null || this.#closed !== null) return void socket.destroy();
    // The listener keeps the process alive or doesn't; a stranger's connection has no say in it.
    socket.unref();
    const refused = (reason: RefuseReason, error?: PoolError, lingers = false): void => {
      this.#pending.delete(candidate);
      if (!lingers) socket.destroy();
      call(() => this.#options.dropped?.(ends.remote, reason, error));
    };
    const source = sourceOf(ends.remote.address);
    const outcome: IncomingOutcome = {
      refused,
      turn: () => this.#noRoomFor(source),
      established: (protocol, output, peer) => {
        this.#pending.delete(candidate);
        // Its ACK is withheld: the peer's dial fails, and does not end a moment after it succeeded.
        const full = this.#noRoomFor(source);
        if (full !== null) {
          protocol.forget();
          return refused(full);
        }
        if (output.length > 0) socket.write(output);
        socket.ref();
        const { writeStallTimeout } = this.#options;
        const session = this.#node.table.add(
          sessionMaker(this.#node, { socket, reader, protocol, peer, writeStallTimeout, ...ends }),
          source,
        );
        call(
          () => this.#options.session(session),
          () => session.destroy(),
        );
      },
    };
    const { authentication } = this.#options;
    const parts = { node: this.#node, door: this.#door, socket, reader, outcome, authentication };
    const candidate = new IncomingConnection(parts);
    let reason: RefuseReason | null = null;
    if (!call(() => (reason = this.#options.admit?.(ends.remote) ?? null))) return void socket.destroy();
    reason ??= this.#noRoomFor(source);
    if (reason !== null) return refused(reason);
    this.#pending.set(candidate, socket);
    candidate.enter(ends.remote.address);
  }

  /** Why a session of `source` can't be had now; null where it can. */
  #noRoomFor(source: string): RefuseReason | null {
    const { table } = this.#node;
    if (table.full) return 'table-full';
    return table.heldBy(source) >= this.#options.maxSessionsPerAddress ? 'address-limit' : null;
  }
}

/**
 * Calls into the owner, whose faults must not reach the event loop from here, where any peer could provoke them: also those
 * of an async function. False where it has thrown; `failed` is called in either case.
 */
function call(owner: () => unknown, failed: () => void = () => {}): boolean {
  const fault = (error: unknown): void => {
    process.emitWarning(error instanceof Error ? error : String(error));
    failed();
  };
  try {
    void Promise.resolve(owner()).catch(fault);
    return true;
  } catch (error) {
    fault(error);
    return false;
  }
}
