/** The backend on any machine: a POOL node in this process. */
import type { SessionHandler, SessionStateName } from '../base/session.js';
import type { NodePeer, NodeSession, PoolNode } from '../poolnode/types.js';
import { Addr } from './address/addr.js';
import type { Backend, BackendDialOptions, BackendListener, BackendListenOptions, BackendSession } from './backend.js';
import { throwIfAborted } from '../base/abort.js';
import { bare } from '../base/own-properties.js';
import { hex, type SessionInfo, type Telemetry, toNodeTelemetry, toSessionInfo } from './telemetry.js';

/** A backend on a node. Both have the same rules of delivery, so that handlers pass through as they are. */
export function createUserBackend(node: PoolNode): Backend {
  return {
    name: 'user',
    parallelDials: true,
    dial: (address, options) => dialOn(node, address, options),
    listen: (options) => listenOn(node, options),
  };
}

async function dialOn(node: PoolNode, { address, port }: Addr, options: BackendDialOptions): Promise<BackendSession> {
  const session = await node.dial(bare({ host: address, port, ...options }));
  return new UserSession(session);
}

async function listenOn(node: PoolNode, options: BackendListenOptions): Promise<BackendListener> {
  const { port, ipv4Only, ipv6Only, signal, handshakes, maxSessionsPerAddress, writeStallTimeout } = options;
  throwIfAborted(signal);
  const listener = await node.listen(
    bare({
      host: options.host === '' && ipv4Only ? '0.0.0.0' : options.host,
      port,
      ipv6Only,
      ...(writeStallTimeout === undefined ? {} : { writeStallTimeout }),
      authentication: options.authentication,
      ...(handshakes === undefined ? {} : { handshakes }),
      ...(maxSessionsPerAddress === undefined ? {} : { maxSessionsPerAddress }),
      admit: (remote) => options.admit(new Addr(remote.address, remote.port)),
      session: (session) => options.session(new UserSession(session)),
      dropped: (remote, reason, error) => options.dropped(new Addr(remote.address, remote.port), reason, error),
    }),
  );
  if (signal?.aborted) {
    await listener.close();
    throwIfAborted(signal);
  }
  return {
    addr: new Addr(listener.local.address, listener.local.port),
    close: () => listener.close(),
    ref: () => listener.ref(),
    unref: () => listener.unref(),
  };
}

/** A session of a node as the API has it. */
export class UserSession implements BackendSession {
  readonly index: number;
  readonly id: string;
  readonly localAddr: Addr;
  readonly remoteAddr: Addr;
  readonly peer: NodePeer;
  readonly maxMessageSize: number;
  readonly #session: NodeSession;

  constructor(session: NodeSession) {
    this.#session = session;
    this.index = session.index;
    this.id = hex(session.id);
    this.localAddr = new Addr(session.local.address, session.local.port);
    this.remoteAddr = new Addr(session.remote.address, session.remote.port);
    this.peer = session.peer;
    this.maxMessageSize = session.maxMessageSize;
  }

  start(handler: SessionHandler): void {
    this.#session.start(handler);
  }

  send(channel: number, data: Uint8Array, done: Parameters<BackendSession['send']>[2]): boolean {
    return this.#session.send(channel, data, done);
  }

  get flush(): object {
    return this.#session.flush;
  }

  resume(): void {
    this.#session.resume();
  }

  setQueueDepth(messages: number): void {
    this.#session.setQueueDepth(messages);
  }

  async subscribe(channel: number): Promise<void> {
    this.#session.subscribe(channel);
  }

  async unsubscribe(channel: number): Promise<void> {
    this.#session.unsubscribe(channel);
  }

  close({ timeout }: { timeout: number }): Promise<void> {
    return this.#session.close(bare({ timeout }));
  }

  destroy(error?: Parameters<BackendSession['destroy']>[0]): void {
    this.#session.destroy(error);
  }

  async telemetry(): Promise<Telemetry> {
    return toNodeTelemetry(this.#session.telemetry(), this.#session.peerTelemetry());
  }

  async info(): Promise<SessionInfo> {
    return this.lastInfo();
  }

  lastInfo(): SessionInfo {
    return toSessionInfo(this.#session.info(), this.#session.peerTelemetry());
  }

  async state(): Promise<SessionStateName> {
    return this.#session.state;
  }

  ref(): void {
    this.#session.ref();
  }

  unref(): void {
    this.#session.unref();
  }
}
