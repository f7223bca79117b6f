/** Sessions over loopback for the tests of the node's shell. */
import { once } from 'node:events';
import * as net from 'node:net';
import { onTestFinished } from 'vitest';
import type { RefuseReason, SessionEnd, SessionHandler } from '../../src/base/session.js';
import { createPoolNode } from '../../src/poolnode/node.js';
import type { NodeOverrides } from '../../src/poolnode/node-deps.js';
import type {
  NodeListener,
  NodeListenOptions,
  NodeSession,
  PoolNode,
  PoolNodeOptions,
} from '../../src/poolnode/types.js';

/** A session's owner that keeps all it is told. */
export class Recorder implements SessionHandler {
  readonly messages: { channel: number; data: Uint8Array }[] = [];
  readonly ended: Promise<SessionEnd>;
  drains = 0;
  ends = 0;
  readonly stalls: number[] = [];
  #end!: (end: SessionEnd) => void;
  readonly #waiting: { count: number; resolve: () => void }[] = [];
  /** Called for each message; false pauses. */
  take: (data: Uint8Array, channel: number) => boolean = () => true;
  onDrain = (): void => {};

  constructor() {
    this.ended = new Promise((resolve) => (this.#end = resolve));
  }

  message(channel: number, data: Uint8Array): boolean {
    this.messages.push({ channel, data });
    const more = this.take(data, channel);
    for (const { count, resolve } of this.#waiting) if (this.messages.length >= count) resolve();
    return more;
  }

  drain(): void {
    this.drains++;
    this.onDrain();
  }

  stalled(ms: number): void {
    this.stalls.push(ms);
  }

  end(end: SessionEnd): void {
    this.ends++;
    this.#end(end);
  }

  /** Settles when `count` messages are here. */
  received(count: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.messages.length >= count) resolve();
      else this.#waiting.push({ count, resolve });
    });
  }

  get texts(): string[] {
    return this.messages.map(({ data }) => Buffer.from(data).toString());
  }
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A turn of the event loop, in which sockets are served. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Settles when `condition` holds; the test's own timeout is the bound. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

/** Resolves with the code of the error that `promise` rejects with. */
export async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  try {
    await promise;
  } catch (error) {
    return (error as { code?: string }).code;
  }
  return undefined;
}

export interface Drop {
  reason: RefuseReason;
  code: string | undefined;
}

/** A listening node on loopback that keeps its sessions and drops. Closed when the test is over. */
export class Server {
  readonly node: PoolNode;
  readonly sessions: NodeSession[] = [];
  readonly drops: Drop[] = [];
  listener!: NodeListener;

  private constructor(node: PoolNode) {
    this.node = node;
  }

  static async listen(options: Partial<NodeListenOptions> = {}, node: PoolNode = createPoolNode()): Promise<Server> {
    const server = new Server(node);
    server.listener = await node.listen({
      host: '127.0.0.1',
      port: 0,
      session: (session) => server.sessions.push(session),
      dropped: (_remote, reason, error) => server.drops.push({ reason, code: error?.code }),
      ...options,
    });
    onTestFinished(async () => {
      for (const session of server.sessions) session.destroy();
      await server.listener.close();
    });
    return server;
  }

  get port(): number {
    return this.listener.local.port;
  }

  /** The session that is accepted as the `count`th. */
  async accepted(count = 1): Promise<NodeSession> {
    await until(() => this.sessions.length >= count);
    return this.sessions[count - 1]!;
  }
}

/** A connection without a protocol. Destroyed when the test is over. */
export async function rawConnection(port: number, options: Partial<net.TcpNetConnectOpts> = {}): Promise<net.Socket> {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true, ...options });
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve));
  return socket;
}

/** Settles when the other side has ended this connection, in whatever way. */
export function goneFrom(socket: net.Socket): Promise<void> {
  return new Promise((resolve) => {
    for (const event of ['end', 'error', 'close']) socket.once(event, () => resolve());
    socket.resume();
  });
}

/** A TCP server without a protocol. Closed when the test is over. */
export async function rawServer(connection: (socket: net.Socket) => void | Promise<void>): Promise<number> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    void connection(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as net.AddressInfo).port;
}

export interface Pair {
  client: NodeSession;
  server: NodeSession;
  /** What each side was told. */
  atClient: Recorder;
  atServer: Recorder;
  clientNode: PoolNode;
  serverNode: PoolNode;
  listening: Server;
  /** The sockets under the sessions: the dialled one, and with `tap` the accepted one's peer. */
  clientSocket: net.Socket;
}

export interface PairOptions {
  client?: NodeOverrides;
  server?: NodeOverrides;
  node?: PoolNodeOptions;
  /** Whether delivery begins at once; default true. */
  start?: boolean;
  /** Of the dialled one, ms. */
  writeStallTimeout?: number;
}

/** A dialled session and the accepted one on its other end. Destroyed when the test is over. */
export async function pair(options: PairOptions = {}): Promise<Pair> {
  let clientSocket!: net.Socket;
  const connect = (where: net.TcpNetConnectOpts): net.Socket => (clientSocket = net.connect(where));
  const clientNode = createPoolNode(options.node, { connect, ...options.client });
  const serverNode = createPoolNode(options.node, options.server);
  const listening = await Server.listen({}, serverNode);
  const { writeStallTimeout } = options;
  const client = await clientNode.dial({
    host: '127.0.0.1',
    port: listening.port,
    ...(writeStallTimeout !== undefined && { writeStallTimeout }),
  });
  onTestFinished(() => client.destroy());
  const server = await listening.accepted();
  const atClient = new Recorder();
  const atServer = new Recorder();
  if (options.start !== false) {
    client.start(atClient);
    server.start(atServer);
  }
  return { client, server, atClient, atServer, clientNode, serverNode, listening, clientSocket };
}
