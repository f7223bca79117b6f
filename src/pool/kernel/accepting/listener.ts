/** The module's listener as the API's BackendListener. */
import type { DropReason } from '../../../base/session.js';
import type { PoolError } from '../../../base/errors.js';
import { Addr } from '../../address/addr.js';
import type { BackendListener, BackendListenOptions } from '../../backend.js';
import { Acceptor, type Ends } from './acceptor.js';
import { within } from '../calls/kernel-clock.js';
import type { KernelDevice } from '../calls/device.js';
import { Hold } from '../calls/keep-alive.js';
import type { OpenPort } from './listen-port.js';
import { ListenWatch } from './listen-watch.js';
import type { ListenerLock } from './listener-lock.js';
import type { ProcFiles } from '../../../poolioc/closing/kernel-thread.js';
import type { SessionEnvironment } from '../session/session.js';
import type { SessionRegistry } from '../table/session-registry.js';
import { UNKNOWN, type AcceptedPeer } from './session-role.js';
import type { SessionRecord } from '../table/table-row.js';
import type { Snapshot } from '../table/device-table.js';
import { readTcpTable, type TcpConnection, type TcpEnd } from '../table/tcp-table.js';

/** ms for STOP and the last looks; both take milliseconds, unless the device or the machine is stuck. */
const CLOSE_MS = 2000;

export interface KernelListenerOptions {
  device: KernelDevice;
  env: Omit<SessionEnvironment, 'released'>;
  registry: SessionRegistry;
  dialling: () => readonly TcpEnd[];
  /** The ends of a session, null where the device doesn't tell them. */
  endsOf: (index: number) => Promise<Ends | null>;
  open: OpenPort;
  lock: ListenerLock;
  before: Snapshot;
  proc: ProcFiles;
  connections: Map<string, TcpConnection>;
  offer: BackendListenOptions;
  closed: () => void;
}

export class KernelListener implements BackendListener {
  readonly addr: Addr;
  readonly #options: KernelListenerOptions;
  readonly #acceptor: Acceptor;
  readonly #watch: ListenWatch;
  readonly #hold: Hold;
  #closing: Promise<void> | null = null;

  /** @throws PoolError where /proc can't be read at the moment */
  constructor(options: KernelListenerOptions) {
    this.#options = options;
    this.addr = new Addr('::', options.open.port);
    this.#hold = new Hold(options.env.keepAlive);
    options.device.readyToClose();
    this.#acceptor = new Acceptor({
      probe: options.env.probe,
      clock: options.env.clock,
      port: options.open.port,
      tcp: () => readTcpTable(options.proc),
      // The device of pool-ts that tells of changes tells this as well.
      tellsEnds: () => options.env.table.port !== null,
      endsOf: (index) => options.endsOf(index),
      roleOf: (record) => options.registry.roleOf(record),
      dialling: options.dialling,
      before: options.before,
      connections: options.connections,
      accepted: (record, peer, local) => this.#accepted(record, peer, local ?? this.addr),
      dropped: (remote, reason, error) => options.offer.dropped(remote, reason, error),
      failed: (error) => this.#failed(error),
    });
    options.env.table.observe(this.#acceptor);
    this.#watch = new ListenWatch({
      proc: options.proc,
      clock: options.env.clock,
      module: options.env.probe.module,
      port: options.open.port,
      told: () => options.env.table.port,
      ended: (error) => this.#failed(error),
    });
    this.#hold.ref();
  }

  /** Whether the listening port is still this process's to stop. Two STOPs at a time would stop the module's thread twice. */
  get own(): boolean {
    return this.#options.open.own && this.#closing === null;
  }

  close(): Promise<void> {
    this.#closing ??= this.#options.env.keepAlive.during(this.#close());
    return this.#closing;
  }

  ref(): void {
    this.#hold.ref();
  }

  unref(): void {
    this.#hold.unref();
  }

  async #close(): Promise<void> {
    const { device, env, open, lock, closed } = this.#options;
    this.#watch.cancel();
    // STOP stops the listener for everybody: one that a daemon opened is left open.
    const stopped = open.own ? device.stop().catch(() => {}) : Promise.resolve();
    // What the module accepted until then has no other owner; it is closed as it comes.
    const finished = stopped.then(() => this.#acceptor.finish(env.table));
    const late = await within(env.clock, CLOSE_MS, finished, 'late');
    env.table.forget(this.#acceptor);
    // Who listens next must not have its port closed by a STOP of this one.
    const released = stopped.then(() => lock.release());
    if (late === undefined) await released;
    this.#hold.end();
    closed();
  }

  #accepted(record: SessionRecord, peer: AcceptedPeer, localAddr: Addr): void {
    const { registry, env, offer } = this.#options;
    const session = registry.adopt(
      { index: record.index, id: record.id, role: 'accepted', localAddr, remoteAddr: peer.addr },
      env,
    );
    if (this.#closing !== null) return session.destroy();
    const reason = this.#refused(peer);
    if (reason === null) return offer.session(session);
    session.destroy();
    offer.dropped(peer.addr, reason);
  }

  /** Where the peer is one of several, a rule that refuses any of them refuses it: a block list fails closed. */
  #refused({ addr, possible }: AcceptedPeer): DropReason | null {
    const { ipv4Only, ipv6Only } = this.#options.offer;
    // The module always listens on both families (kernel contract, section 2).
    const wrongFamily = (one: Addr): boolean =>
      one.address !== UNKNOWN.address && ((ipv4Only && one.family !== 'IPv4') || (ipv6Only && one.family !== 'IPv6'));
    for (const one of addr.port === 0 && possible.length > 0 ? possible : [addr]) {
      const reason = wrongFamily(one) ? 'blocked' : this.#options.offer.admit(one);
      if (reason !== null) return reason;
    }
    return null;
  }

  #failed(error: PoolError): void {
    if (this.#closing !== null) return;
    const { env, lock, closed, offer } = this.#options;
    this.#watch.cancel();
    this.#closing = lock.release();
    env.table.forget(this.#acceptor);
    this.#hold.end();
    closed();
    offer.failed(error);
  }
}
