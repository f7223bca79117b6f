/**
 * POOL nodes in memory: sessions are pairs joined by queues, ports are a map. They keep the promises of
 * src/poolnode/types.ts that a device builds on, without sockets and without cryptography.
 */
import type { Endpoint, RawTelemetry, SessionHandler } from '../../src/base/session.js';
import { PoolError } from '../../src/base/errors.js';
import type { NodeListenOptions, NodeSession, NodeSessionInfo, PoolNode } from '../../src/poolnode/types.js';
import { randomBytes } from '../random.js';

/** Messages that a pair holds for a receiver that reads no more, before the sender is told to stop. */
const ROOM = 2;

type Done = (error?: PoolError) => void;

interface Parcel {
  channel: number;
  data: Uint8Array;
  done: Done | undefined;
}

export class FakeSession implements NodeSession {
  readonly flush = {};
  readonly maxMessageSize = 65535;
  state: NodeSession['state'] = 'ESTABLISHED';
  readonly peer = null;
  other!: FakeSession;
  queueDepth = 0;
  released = false;
  /** Makes `close` wait until `destroy`, as behind a peer that never reads. */
  closeHangs = false;
  readonly #subscribed = new Set<number>();
  #handler: SessionHandler | null = null;
  #inbox: Parcel[] = [];
  #paused = false;
  #toldFull = false;
  #sent = 0n;
  #received = 0n;
  #closed: (() => void) | null = null;

  constructor(
    readonly index: number,
    readonly id: Uint8Array,
    readonly role: 'client' | 'server',
    readonly local: Endpoint,
    readonly remote: Endpoint,
    readonly freed: () => void,
  ) {}

  start(handler: SessionHandler): void {
    this.#handler = handler;
    this.#deliver();
  }

  send(channel: number, data: Uint8Array, done?: Done): boolean {
    if (this.state !== 'ESTABLISHED') throw new PoolError('ERR_POOL_NOT_ESTABLISHED', 'the session is over');
    this.#sent++;
    const hasRoom = this.other.#take({ channel, data: Uint8Array.from(data), done });
    this.#toldFull = !hasRoom;
    return hasRoom;
  }

  #take(parcel: Parcel): boolean {
    this.#inbox.push(parcel);
    this.#deliver();
    return this.#inbox.length < ROOM;
  }

  #deliver(): void {
    while (this.#handler !== null && !this.#paused) {
      const parcel = this.#inbox.shift();
      if (parcel === undefined) break;
      this.#received++;
      this.#paused = !this.#handler.message(parcel.channel, parcel.data);
      parcel.done?.();
    }
    if (this.#inbox.length === 0 && !this.other.closeHangs) this.other.#closed?.();
    if (this.#inbox.length < ROOM && this.other.#toldFull) {
      this.other.#toldFull = false;
      this.other.#handler?.drain();
    }
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#deliver();
  }

  setQueueDepth(messages: number): void {
    this.queueDepth = messages;
  }

  subscribe(channel: number): void {
    this.#subscribed.add(channel);
  }

  unsubscribe(channel: number): void {
    this.#subscribed.delete(channel);
  }

  channels(): Uint8Array {
    const bits = new Uint8Array(32);
    for (const channel of this.#subscribed) bits[channel >> 3] = (bits[channel >> 3] ?? 0) | (1 << (channel & 7));
    return bits;
  }

  async close(): Promise<void> {
    if (this.state !== 'ESTABLISHED') return;
    // What was sent goes out first.
    if (this.closeHangs || this.other.#inbox.length > 0) await new Promise<void>((settle) => (this.#closed = settle));
    this.#end('local');
    this.other.#end('remote');
  }

  destroy(error?: PoolError): void {
    if (this.state !== 'ESTABLISHED') return;
    if (error === undefined) this.#end('local');
    else this.#end('error', error);
    this.other.#end('error', new PoolError('ERR_POOL_PEER_LOST', 'the peer is gone'));
    this.#closed?.();
  }

  #end(by: 'local' | 'remote' | 'error', error?: PoolError): void {
    if (this.state !== 'ESTABLISHED') return;
    this.state = 'CLOSING';
    const lost = error ?? new PoolError('ERR_POOL_CLOSED', 'closed');
    for (const parcel of this.other.#inbox.splice(0)) parcel.done?.(lost);
    this.#handler?.end(error === undefined ? { by } : { by, error });
  }

  info(): NodeSessionInfo {
    const { index, id, role, local, remote, state } = this;
    return {
      ...{ index, id, role, local, remote, state },
      bytesSent: 1n,
      bytesReceived: 2n,
      packetsSent: this.#sent,
      packetsReceived: this.#received,
      packetsSinceRekey: 5,
      emptyMessages: 0,
      telemetry: this.telemetry(),
    };
  }

  telemetry(): RawTelemetry {
    return {
      rttNs: 11n,
      jitterNs: 12n,
      lossRatePpm: 13,
      throughputBps: 14,
      mtuCurrent: 1400,
      queueDepth: Math.min(this.queueDepth, 65535),
      uptimeNs: 17n,
      rekeyCount: 18,
      configVersion: 19,
    };
  }

  peerTelemetry(): null {
    return null;
  }

  ref(): void {}
  unref(): void {}

  release(): void {
    this.released = true;
    this.freed();
  }
}

export interface FakeNode extends PoolNode {
  /** Dials wait until this is resolved; for dials that hang. */
  dialGate: Promise<void>;
  /** As PoolNodeOptions.reclaim. */
  reclaim: () => (() => void) | null;
}

/** Nodes made by one network reach each other by port, whatever the address. */
export function fakeNetwork(): { node(maxSessions?: number): FakeNode } {
  const listeners = new Map<number, { node: Place; options: NodeListenOptions }>();

  interface Place {
    place(role: 'client' | 'server', id: Uint8Array, remote: Endpoint): FakeSession | null;
  }

  const node = (maxSessions = 64): FakeNode => {
    const table: (FakeSession | undefined)[] = new Array<undefined>(maxSessions).fill(undefined);
    const here: Place = {
      place(role, id, remote) {
        if (!table.includes(undefined)) fake.reclaim()?.();
        const index = table.indexOf(undefined);
        if (index < 0) return null;
        const local: Endpoint = { address: '127.0.0.1', family: 'IPv4', port: 40000 + index };
        const session = new FakeSession(index, id, role, local, remote, () => (table[index] = undefined));
        table[index] = session;
        return session;
      },
    };
    const fake: FakeNode = {
      maxSessions,
      dialGate: Promise.resolve(),
      reclaim: () => null,
      sessions: () => table.filter((session) => session !== undefined),
      session: (index) => table[index],
      // As messages to come overwrite it.
      giveBack: (message) => void message.fill(0xdd),
      async listen(options) {
        if (listeners.has(options.port)) throw new PoolError('EADDRINUSE', 'the port is taken');
        listeners.set(options.port, { node: here, options });
        return {
          local: { address: '::', family: 'IPv6', port: options.port },
          close: async () => void listeners.delete(options.port),
          ref() {},
          unref() {},
        };
      },
      async dial({ host, port, signal }) {
        const aborted = new Promise<never>((_, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
        });
        await Promise.race([fake.dialGate, aborted]);
        const listener = listeners.get(port);
        if (listener === undefined) throw new PoolError('ECONNREFUSED', 'nobody listens');
        const id = Uint8Array.from(randomBytes(16));
        const client = here.place('client', id, { address: host, family: 'IPv4', port });
        const server = listener.node.place('server', id, { address: '10.0.0.7', family: 'IPv4', port: 51234 });
        if (client === null || server === null) {
          client?.freed();
          server?.freed();
          throw new PoolError('ERR_POOL_SESSION_FULL', 'the table is full');
        }
        client.other = server;
        server.other = client;
        listener.options.session(server);
        return client;
      },
    };
    return fake;
  };
  return { node };
}
