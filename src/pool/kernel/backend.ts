/** The kernel backend: one opened device, its table of sessions, and what this process owns of it. */
import { MAX_SESSIONS } from '../../poolioc/abi/constants.js';
import { throwIfAborted } from '../../base/abort.js';
import { PoolError } from '../../base/errors.js';
import type { ReceiveOptions, Transfer } from '../../poolioc/types.js';
import type { Addr } from '../address/addr.js';
import type { Backend, BackendDialOptions, BackendListener, BackendListenOptions, BackendSession } from '../backend.js';
import type { KernelClock } from './calls/kernel-clock.js';
import type { KernelDevice, SyncDevice } from './calls/device.js';
import { Dialler, isLocalAddress } from './calls/dial-attempts.js';
import { deviceLost, errnoNameIn, isPassing, wasCancelled } from './calls/call-errors.js';
import { KeepAlive } from './calls/keep-alive.js';
import { LeakedSlots, type LeakReason } from './table/leaked-slots.js';
import type { Ends } from './accepting/acceptor.js';
import { KernelListener } from './accepting/listener.js';
import { openPort, type OpenPort } from './accepting/listen-port.js';
import { lockListener, type ListenerLock } from './accepting/listener-lock.js';
import { fromMapped } from './calls/mapped-address.js';
import { parseModuleStatus } from '../../base/module-status.js';
import type { ProcFiles } from '../../poolioc/closing/kernel-thread.js';
import { ReceiveScheduler, type Received } from './session/receive-scheduler.js';
import { ReceiverThreads } from './session/thread-lookup.js';
import type { SessionEnvironment } from './session/session.js';
import { SessionRegistry } from './table/session-registry.js';
import { toRecord } from './table/table-row.js';
import { UNKNOWN } from './accepting/session-role.js';
import { DeviceTable, Snapshot } from './table/device-table.js';
import { ModuleProbe, servedProbe, type CloseVerdict, type SessionProbe } from './session/session-probe.js';
import { SlotCloser } from './session/slot-closer.js';
import type { TcpConnection } from './table/tcp-table.js';

export interface KernelBackendDeps {
  device: KernelDevice;
  /** The device file's path, for messages. */
  path: string;
  /** What identifies the device file, whatever path led to it. */
  identity: string;
  /** Whether it is a character device: the module itself. */
  module: boolean;
  proc: ProcFiles;
  clock: KernelClock;
  /** ms without a packet after which a peer counts as lost; 0 never. */
  peerTimeout: number;
  lock?: ((identity: string, path: string) => Promise<ListenerLock>) | undefined;
  findPort?: (() => Promise<number>) | undefined;
  isLocal?: ((address: string) => boolean) | undefined;
  warn?: ((message: string, code: string) => void) | undefined;
  /** Called once when the device is of no more use. */
  lost?: (error: PoolError) => void;
}

/** How often the table is read, and ms in between, before a device whose requests can't be made counts as lost. */
const TABLE_TRIES = 6;
const TABLE_AGAIN_MS = 1000;

const UNSPECIFIED = new Set(['', '*', '::', '0.0.0.0']);

export class KernelBackend implements Backend {
  readonly name = 'kernel';
  // Kernel contract, hazard 7.
  readonly parallelDials = false;
  readonly #deps: KernelBackendDeps;
  readonly #probe: SessionProbe;
  readonly #table: DeviceTable;
  readonly #registry: SessionRegistry;
  readonly #dialler: Dialler;
  readonly #env: Omit<SessionEnvironment, 'released'>;
  readonly #connections = new Map<string, TcpConnection>();
  readonly #keepAlive = new KeepAlive();
  readonly #leaks: LeakedSlots;
  #listener: KernelListener | null = null;
  #lost: PoolError | null = null;

  constructor(deps: KernelBackendDeps) {
    this.#deps = deps;
    const { device, clock, path } = deps;
    this.#probe = deps.module ? new ModuleProbe(new ReceiverThreads(deps.proc), clock) : servedProbe;
    this.#table = new DeviceTable(() => this.#readTable(), clock, device);
    this.#registry = new SessionRegistry(() => this.#table.reschedule());
    const receives = new ReceiveScheduler({
      receive: (index, channel, options) => this.#receive(index, channel, options),
      occupant: (index) => this.#occupant(index),
      latest: () => this.#table.latest,
      parked: () => this.#table.reschedule(),
      clock,
    });
    const leaks = (this.#leaks = new LeakedSlots(path, deps.warn));
    const closer = new SlotCloser({
      closeSession: (index, options) => device.closeSession(index, options),
      table: this.#table,
      probe: this.#probe,
      leaks,
      clock,
    });
    this.#env = {
      device,
      table: this.#table,
      probe: this.#probe,
      receives,
      closer,
      leaks,
      clock,
      keepAlive: this.#keepAlive,
      peerTimeout: deps.peerTimeout,
    };
    this.#dialler = new Dialler({
      device,
      discard: (index) => void this.#registry.expect(index, this.#discard(index)),
      isLocal: deps.isLocal,
      // A device that is served may have another size, and says at once when it is full.
      full: deps.module ? (address) => this.#full(address) : undefined,
    });
    this.#table.observe(this.#registry);
    this.#table.observe(receives);
    this.#table.observe({
      interval: () => Infinity,
      watch: () => null,
      table() {},
      lost: (error) => {
        this.#lost = error;
        deps.lost?.(error);
      },
    });
    device.onExit((sync) => this.#exit(sync));
  }

  async dial(address: Addr, { signal }: BackendDialOptions): Promise<BackendSession> {
    if (this.#lost !== null) throw this.#lost;
    const release = this.#keepAlive.hold();
    try {
      return await this.#dialler.dial(address, signal, (index) =>
        this.#registry.expect(index, this.#dialled(address, index, signal)),
      );
    } finally {
      release();
    }
  }

  async listen(offer: BackendListenOptions): Promise<BackendListener> {
    if (!UNSPECIFIED.has(offer.host)) {
      throw new PoolError(
        'ERR_INVALID_ARG_VALUE',
        `the kernel module listens on all addresses of the machine and can't be bound to ${offer.host}: ` +
          `listen on ':${offer.port}', refuse peers with blockList or a firewall, or use backend 'user'`,
        { address: offer.host, port: offer.port },
      );
    }
    if (this.#lost !== null) throw this.#lost;
    throwIfAborted(offer.signal);
    // Also while the lock is asked for, and no longer where another process has it: that one must not keep this one alive.
    return this.#keepAlive.during(this.#listen(offer));
  }

  async #listen(offer: BackendListenOptions): Promise<BackendListener> {
    const { device, proc, module, identity, path, findPort, lock: lockWith = lockListener } = this.#deps;
    const lock = await lockWith(identity, path);
    let opened: OpenPort | null = null;
    try {
      // Before LISTEN, so that no session of ours can be among them.
      const before = await this.#table.refresh();
      throwIfAborted(offer.signal);
      const open = (opened = await openPort(offer.port, { device, proc, module, findPort }));
      this.#listener = new KernelListener({
        device,
        env: this.#env,
        registry: this.#registry,
        dialling: () => this.#dialler.dialling,
        endsOf: (index) => this.#endsOf(index),
        open,
        lock,
        before,
        proc,
        connections: this.#connections,
        offer,
        closed: () => {
          this.#listener = null;
        },
      });
      opened = null;
      if (offer.signal?.aborted === true) {
        await this.#listener.close();
        throw offer.signal.reason;
      }
      return this.#listener;
    } catch (error) {
      // Nobody listens on it.
      if (opened?.own === true) await device.stop().catch(() => {});
      await lock.release();
      throw error;
    }
  }

  /** Both ends of a session to the module's own listener take a slot. */
  async #full(address: Addr): Promise<boolean> {
    const { proc, isLocal = isLocalAddress } = this.#deps;
    const { records } = await this.#table.refresh();
    if (records.length < MAX_SESSIONS - 1) return false;
    const status = parseModuleStatus(proc.read('pool/status'));
    const own = status?.listening === true && status.port === address.port && isLocal(address.address);
    return records.length >= (own ? MAX_SESSIONS - 1 : MAX_SESSIONS);
  }

  async #dialled(address: Addr, index: number, signal: AbortSignal | undefined): Promise<BackendSession> {
    const record = (await this.#table.refresh()).at(index);
    if (record === undefined) throw new PoolError('ECONNRESET', 'another program closed the session at once');
    // The module tells no address, and looking through /proc/net/tcp would cost more than the handshake.
    const localAddr = (await this.#endsOf(index))?.local ?? UNKNOWN;
    const session = this.#registry.adopt(
      { index, id: record.id, role: 'dialled', localAddr, remoteAddr: address },
      this.#env,
    );
    if (signal?.aborted !== true) return session;
    session.destroy();
    throw signal.reason;
  }

  async #endsOf(index: number): Promise<Ends | null> {
    const ends = await this.#deps.device.sessionEnds(index).catch(() => null);
    if (ends === null) return null;
    const { local, remote } = ends;
    return { local: fromMapped(local.addr, local.port), remote: fromMapped(remote.addr, remote.port) };
  }

  /** Ends a session that arrived when its dial had been given up: it is this process's until its slot is free, as any other. */
  async #discard(index: number): Promise<void> {
    const id = await this.#occupant(index);
    if (id === undefined) return;
    const identity = { index, id, role: 'dialled', localAddr: UNKNOWN, remoteAddr: UNKNOWN } as const;
    this.#registry.adopt(identity, this.#env).destroy();
  }

  async #occupant(index: number): Promise<string | undefined> {
    const snapshot = await this.#table.refresh().catch(() => null);
    return snapshot?.at(index)?.id;
  }

  async #readTable(tries = 1): Promise<ReturnType<typeof toRecord>[]> {
    try {
      return (await this.#deps.device.sessions()).map(toRecord);
    } catch (cause) {
      if (errnoNameIn(cause) === 'EINTR') return this.#readTable(tries);
      if (tries >= TABLE_TRIES || !isPassing(cause)) throw deviceLost(this.#deps.path, cause);
    }
    await new Promise<void>((resolve) => this.#deps.clock.after(TABLE_AGAIN_MS, resolve));
    return this.#readTable(tries + 1);
  }

  #receive(index: number, channel: number, options: ReceiveOptions): Transfer<Received> {
    const transfer = this.#deps.device.receiveMessages(index, channel, options);
    const done = transfer.done.then(
      (end): Received => (end === 'count' ? { kind: 'enough' } : { kind: 'nothing', looked: end !== 'unasked' }),
      (error: unknown): Received => {
        const name = errnoNameIn(error);
        // An idle connection is not an error (kernel contract, section 2).
        if (name === 'ETIMEDOUT' || wasCancelled(error)) return { kind: 'nothing' };
        return name === 'EAGAIN' ? { kind: 'elsewhere' } : { kind: 'failed', error };
      },
    );
    return { done, stop: () => transfer.stop() };
  }

  /**
   * A dead process's slots stay taken, so a process that ends in a normal way gives back what it has left open. The
   * listener comes last: it costs a slot only when somebody dials, a session costs one now.
   */
  #exit(device: SyncDevice): void {
    try {
      this.#closeLeftOpen(device);
    } finally {
      if (this.#listener?.own === true) device.stop();
    }
  }

  /** Those that a SEND is in, the module's device leaves out (hazard 12); a served one ends them without CLOSE. */
  #closeLeftOpen(device: SyncDevice): void {
    const { module } = this.#probe;
    const open = this.#registry.sessions.filter(({ closeStuck }) => !closeStuck);
    const expected = new Set([...this.#registry.expected, ...device.connected()]);
    const slots = new Set([...open.map(({ index }) => index), ...expected]);
    if (slots.size === 0) return;
    const left: { index: number; reason: LeakReason }[] = [];
    let table: Snapshot;
    try {
      table = new Snapshot(device.sessions().map(toRecord));
    } catch {
      // What is in the slots is not known, and nothing of it can be closed.
      if (module) this.#leaks.addAtExit([...slots].map((index) => ({ index, reason: 'exit' })));
      return;
    }
    const unnamed = this.#registry
      .unnamed(table, expected)
      .map(({ index, id }) => ({ index, id, pair: table.otherEnd({ index, id }) !== undefined, sending: false }));
    const closing = [...open, ...unnamed].flatMap(({ index, id, pair, sending }) => {
      const record = table.at(index, id);
      // Hazard 2, here as everywhere: not another session's slot, not one whose thread is about to end.
      if (record === undefined) return [];
      if (module && record.state === 'CLOSING') {
        left.push({ index, reason: 'thread-gone' });
        return [];
      }
      let verdict: CloseVerdict | null = null;
      try {
        verdict = this.#probe.mayClose(index);
      } catch {
        // It can't be looked for any more.
      }
      if (verdict?.safe !== true) {
        left.push({ index, reason: verdict?.why ?? 'exit' });
        return [];
      }
      const { thread } = verdict;
      return [{ index, id, pair, thread, sessionId: Buffer.from(id, 'hex'), abort: sending && !module }];
    });
    const closed = new Set(device.closeSessions(closing));
    if (!module) return;
    // Hazard 2: the other end of one that was closed.
    const gone = new Set(closing.filter(({ index }) => closed.has(index)).map(({ id }) => id));
    const rest = closing.filter(({ index }) => !closed.has(index));
    left.push(
      ...rest.map(({ index, id }) => ({ index, reason: gone.has(id) ? ('thread-gone' as const) : ('exit' as const) })),
    );
    this.#leaks.addAtExit(left);
  }
}
