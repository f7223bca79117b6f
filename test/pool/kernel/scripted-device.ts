/**
 * The kernel module in memory, as docs/kernel-contract.md describes it and with its hazards: what crashes the kernel or
 * destroys a session in silence is recorded in `faults`, and no test leaves one behind. Every call is in `calls`.
 */
import { constants } from 'node:os';
import { bytesOf, type Bytes } from '../../../src/base/bytes.js';
import { PoolError } from '../../../src/base/errors.js';
import { Addr } from '../../../src/pool/address/addr.js';
import type { DeviceSession, KernelDevice, SyncDevice } from '../../../src/pool/kernel/calls/device.js';
import { isKernelThread, type ProcFiles } from '../../../src/poolioc/closing/kernel-thread.js';
import { ipv4ToMapped } from '../../../src/poolioc/abi/mapped.js';
import type {
  CloseSessionOptions,
  ConnectRequest,
  LateOptions,
  SessionEnds,
  ReceiveEnd,
  ReceiveOptions,
  Sending,
  SendOptions,
  SentMessages,
  Transfer,
  TableChangeOptions,
  TableState,
} from '../../../src/poolioc/types.js';
import type { ManualClock } from './manual-clock.js';

const SLOTS = 64;
const RECV_MS = 5000;
/** ms in which a device that tells of changes has told. */
const TELL_MS = 2;
const IDLE = 0;
const ESTABLISHED = 3;
const CLOSING = 5;

export function errno(code: keyof typeof constants.errno, syscall = 'ioctl'): PoolError {
  return new PoolError(code, `${syscall} failed: ${code}`, { errno: constants.errno[code], syscall });
}

interface Waiter {
  channel: number;
  take(): void;
  /** Where the result goes when nobody waits for it any more. */
  late: ((message: Bytes) => void) | null | undefined;
}

/** A connection as /proc/net/tcp shows it; inode 0 is one that waits for accept. */
export interface TcpRow {
  local: string;
  remote: string;
  inode?: number;
}

export interface ModelSession {
  index: number;
  id: string;
  state: number;
  role: 'accepted' | 'dialled';
  /** The pid of pool_rx_<index>; null when it ended or never began. */
  thread: number | null;
  row: TcpRow | null;
  queue: { channel: number; data: Uint8Array }[];
  sent: { channel: number; data: Uint8Array }[];
  packetsRecv: bigint;
  bytesRecv: bigint;
  sendFailed: boolean;
  sending: number;
  /** False: SEND blocks until it is true again. */
  peerReads: boolean;
  sendErrors: string[];
  unblock: (() => void)[];
}

interface SlotModel {
  everUsed: boolean;
  /** What the slot last dialled: shown for accepted sessions too. */
  dialled: { addr: Uint8Array; port: number; family: number };
  session: ModelSession | null;
  /** RECVs that wait. They belong to the slot, and outlive its sessions (hazard 4). */
  waiters: Waiter[];
}

export interface ScriptedDeviceOptions {
  clock: ManualClock;
  /** False: a device served from user space, without kernel threads and /proc/pool. */
  module?: boolean;
  threadsVisible?: boolean;
  /** False: /proc/net shows another network namespace. */
  tcpVisible?: boolean;
  /** A device that tells of changes of its table: a served one, where it isn't strict. */
  tells?: boolean;
}

export class ScriptedDevice implements KernelDevice {
  readonly calls: string[] = [];
  /** What would have crashed the kernel, or destroyed something in silence. */
  readonly faults: string[] = [];
  readonly module: boolean;
  readonly tells: boolean;
  threadsVisible: boolean;
  tcpVisible: boolean;
  listening = false;
  port = 0;
  discoveryThreads = 0;
  /** Results of the next CONNECTs: an errno, or 'silent'. When it is empty they succeed. */
  readonly connects: string[] = [];
  /** Ports that LISTEN finds taken. */
  readonly taken = new Set<number>();
  /** What SESSIONS fails with. */
  gone: string | null = null;
  /** A served device that ends sessions without CLOSE when asked to. */
  aborts = true;
  /** The process has no descriptor left to read /proc. */
  procFails = false;
  /** False: /proc/pool can't be read any more. */
  statusVisible = true;
  strayRows: TcpRow[] = [];
  closeHangs = false;
  /** Calls that waited for a change of the table. */
  watches = 0;
  /** Sessions that are dialled have received something beside their handshake when CONNECT returns. */
  greeted = false;
  /** Another program has the machine's turn to close for longer than the device waits. */
  othersClose = false;
  closersReady = false;
  /** Slots that can't be closed in the time that the end of the process has. */
  readonly exitLeaves = new Set<number>();
  /** At the end of the process SESSIONS gives no result in time. */
  exitTableHangs = false;
  /** What happens right after the table was read. */
  onSessions: (() => void) | null = null;
  /** STOP waits for it. */
  stopReturns: Promise<void> | null = null;
  /** What happens while the connections of /proc/net are read. */
  onTcpRead: (() => void) | null = null;
  /** What happens between the order to close a session and the call. */
  beforeClose: (() => Promise<void>) | null = null;
  /** The device doesn't answer signals: a RECV that is taken back stays inside. */
  deaf = false;
  readonly #slots: SlotModel[] = Array.from({ length: SLOTS }, () => ({
    everUsed: false,
    dialled: { addr: new Uint8Array(16), port: 0, family: 0 },
    session: null,
    waiters: [],
  }));
  readonly #clock: ManualClock;
  #handshakes = 0;
  #nextPid = 100;
  #nextId = 1;
  #nextPort = 40_000;
  #nextInode = 5000;
  #exit: ((device: SyncDevice) => void)[] = [];
  /** Slots of CONNECTs whose results the event loop has not told of when the process ends. */
  untold: number[] = [];

  constructor({
    clock,
    module = true,
    threadsVisible = true,
    tcpVisible = true,
    tells = !module,
  }: ScriptedDeviceOptions) {
    this.#clock = clock;
    this.module = module;
    this.tells = tells;
    this.threadsVisible = threadsVisible;
    this.tcpVisible = tcpVisible;
  }

  // What a test makes the world do.

  /** A peer's dial: an accepted session. Until the handshake is finished it is shown as ESTABLISHED without a thread. */
  peerDials({ from = `10.0.0.9:${this.#nextPort++}`, finished = true, id = this.#id() } = {}): ModelSession {
    const slot = this.#free();
    if (slot === undefined) throw new Error('the model has no free slot');
    const session = this.#begin(slot, id, 'accepted', { local: `10.0.0.2:${this.port}`, remote: from });
    session.packetsRecv = 1n;
    session.bytesRecv = 144n;
    if (finished) this.finishHandshake(session);
    return session;
  }

  finishHandshake(session: ModelSession): void {
    session.thread = this.module ? this.#nextPid++ : null;
    session.packetsRecv = 2n;
    session.bytesRecv = 288n;
  }

  /** A session that another program of this machine dialled. */
  otherDials(to = '10.0.0.5:9253'): ModelSession {
    const slot = this.#free()!;
    return this.#dial(slot, to, this.#id());
  }

  peerSends(session: ModelSession, channel: number, data: string): void {
    const bytes = Buffer.from(data);
    session.queue.push({ channel, data: bytes });
    session.packetsRecv += 1n;
    session.bytesRecv += BigInt(80 + 16 + bytes.length);
    this.#wake(session.index);
  }

  heartbeat(session: ModelSession): void {
    session.packetsRecv += 1n;
    session.bytesRecv += 140n;
  }

  /** The peer's CLOSE: the state changes at once, RECVs that wait are not woken, what was queued is lost. */
  peerCloses(session: ModelSession): void {
    session.state = CLOSING;
    session.thread = null;
    session.row = null;
    if (this.module) session.queue = [];
  }

  /** The TCP connection dies: the state stays. */
  connectionDies(session: ModelSession): void {
    session.thread = null;
    session.row = null;
  }

  /** Another program, or a program of another process, closes it. */
  otherCloses(session: ModelSession): void {
    const slot = this.#slots[session.index]!;
    if (slot.session === session) slot.session = null;
  }

  /** Another program calls STOP. */
  otherStops(): void {
    this.listening = false;
  }

  peerReadsAgain(session: ModelSession): void {
    session.peerReads = true;
    for (const go of session.unblock.splice(0)) go();
  }

  session(index: number): ModelSession | null {
    return this.#slots[index]?.session ?? null;
  }

  get sessionsInUse(): number {
    return this.#slots.filter(({ session }) => session !== null).length;
  }

  waiting(index: number): number {
    return this.#slots[index]!.waiters.length;
  }

  /** The process ends in a normal way. */
  exit(): void {
    const sync: SyncDevice = {
      connected: () => this.untold,
      sessions: () => {
        if (this.exitTableHangs) throw new PoolError('ERR_POOL_TIMEOUT', 'no result while the process was ending');
        return this.#rows();
      },
      // Those that a SEND is in are left out: test/poolioc/sync-device.test.ts.
      closeSessions: (sessions) => {
        const free = sessions.filter(({ index, abort }) => abort === true || this.session(index)?.sending === 0);
        const inTime = free.filter(({ index }) => !this.exitLeaves.has(index));
        return inTime.flatMap(({ index, ...how }) => (this.#close(index, how) ? [index] : []));
      },
      stop: () => this.#stop(),
    };
    for (const hook of this.#exit) hook(sync);
  }

  count(call: string): number {
    return this.calls.filter((one) => one.startsWith(call)).length;
  }

  get proc(): ProcFiles {
    return {
      read: (path) => {
        if (this.procFails) throw errno('EMFILE', 'open');
        return this.#procFile(path);
      },
      list: () => ['1', '2', 'self'],
    };
  }

  // The requests.

  async listen(port: number): Promise<void> {
    this.calls.push(`LISTEN ${port}`);
    await Promise.resolve();
    if (port === 0) this.faults.push('LISTEN of port 0 opens a port that nobody can learn');
    if (this.taken.has(port)) throw errno('EADDRINUSE');
    if (this.listening && !this.module && port !== this.port) throw errno('EADDRINUSE');
    this.discoveryThreads += 1;
    if (this.listening && this.module) this.faults.push('a needless LISTEN leaked a discovery thread');
    if (!this.listening) this.port = port;
    this.listening = true;
  }

  async stop(): Promise<void> {
    await Promise.resolve();
    await this.stopReturns;
    this.#stop();
  }

  async connect(request: ConnectRequest, { signal }: LateOptions<number> = {}): Promise<number> {
    const hex = Buffer.from(bytesOf(request.peerAddr)!).toString('hex');
    this.calls.push(`CONNECT ${hex} ${request.peerPort} family ${request.addrFamily}`);
    if (request.addrFamily !== 10) this.faults.push(`hazard 1: CONNECT with family ${request.addrFamily} crashes`);
    this.#handshakes += 1;
    if (this.#handshakes > 1) this.faults.push('hazard 7: two handshakes at the same time');
    try {
      const script = this.connects.shift();
      if (script === 'silent') {
        await new Promise<never>((_resolve, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
          this.#clock.after(10_000, () => reject(errno('EINPROGRESS')));
        });
      }
      await Promise.resolve();
      if (script === 'late')
        return this.#dial(this.#free()!, `10.0.0.1:${request.peerPort}`, this.#id(), request).index;
      signal?.throwIfAborted();
      if (script !== undefined && script !== 'untold') throw errno(script as 'EIO', 'connect');
      const slot = this.#free();
      if (slot === undefined) throw errno('ENOSPC');
      const { index } = this.#dial(slot, `10.0.0.1:${request.peerPort}`, this.#id(), request);
      if (script === undefined) return index;
      this.untold.push(index);
      return await new Promise<never>(() => {});
    } finally {
      this.#handshakes -= 1;
    }
  }

  async sendBytes(index: number, channel: number, data: Uint8Array, ...rest: unknown[]): Promise<void> {
    this.calls.push(`SEND ${index} ${channel} ${data.byteLength}`);
    if (rest.length > 0) this.faults.push('hazard 11: a SEND that can be interrupted');
    const { session, everUsed } = this.#slots[index]!;
    if (session === null || session.state === CLOSING) throw errno('ENOTCONN');
    if (data.byteLength > 65511 && !everUsed) this.faults.push('hazard 6: a message over 65511 bytes');
    if (this.module && session.thread === null && session.packetsRecv < 2n) {
      this.faults.push('section 3: a SEND before the handshake is done wrecks it');
    }
    if (session.sendFailed) this.faults.push('hazard 11: a SEND after one failed');
    if (session.sending > 0) this.faults.push('two SENDs at a time on one session');
    const bytes = Uint8Array.from(data);
    session.sending += 1;
    try {
      await Promise.resolve();
      if (!session.peerReads) await new Promise<void>((resolve) => session.unblock.push(resolve));
      const script = session.sendErrors.shift();
      if (script !== undefined) {
        if (!['EINVAL', 'EFAULT'].includes(script)) session.sendFailed = true;
        throw errno(script as 'EPIPE', 'ioctl');
      }
      session.sent.push({ channel, data: bytes });
    } finally {
      session.sending -= 1;
    }
  }

  async recvBytes(
    index: number,
    channel: number,
    buffer: Uint8Array,
    { signal, timeout, onLate }: LateOptions<Bytes> = {},
  ): Promise<number | null> {
    this.calls.push(`RECV ${index} ${channel}`);
    await Promise.resolve();
    signal?.throwIfAborted();
    const slot = this.#slots[index]!;
    if (slot.waiters.some(({ late }) => late === null)) this.faults.push(`hazard 4: two receivers on slot ${index}`);
    const now = this.#take(slot, channel);
    if (now !== 'empty') return copy(now, buffer);
    return new Promise((resolve, reject) => {
      const done = (): void => {
        slot.waiters = slot.waiters.filter((one) => one !== waiter);
        module.cancel();
        mine?.cancel();
        signal?.removeEventListener('abort', abort);
      };
      const waiter: Waiter = {
        channel,
        late: null,
        take: () => {
          try {
            const message = this.#take(slot, channel);
            if (message === 'empty') return;
            done();
            if (waiter.late === null) resolve(copy(message, buffer));
            else waiter.late?.(message.slice());
          } catch (error) {
            done();
            if (error instanceof Error) reject(error);
          }
        },
      };
      const abort = (): void => {
        if (this.deaf) {
          // The call stays in the kernel, and what it gets comes late.
          waiter.late = onLate;
          signal?.removeEventListener('abort', abort);
          return reject(signal?.reason as Error);
        }
        done();
        reject(signal?.reason as Error);
      };
      const module = this.#clock.after(RECV_MS, () => {
        done();
        reject(slot.session?.state === CLOSING ? errno('ECONNRESET') : errno('ETIMEDOUT'));
      });
      const mine = timeout === undefined ? null : this.#clock.after(timeout, () => (done(), resolve(null)));
      signal?.addEventListener('abort', abort, { once: true });
      slot.waiters.push(waiter);
    });
  }

  /** SENDs, one after the other; it ends as soon as it has nothing to send. */
  /** The module has none, and a served device may refuse them; a test's own otherwise. */
  sessionRings: KernelDevice['sessionRings'] = async () => null;

  sendMessages(index: number, { sent: told }: SendOptions): Sending {
    const messages: { channel: number; data: Uint8Array }[] = [];
    let ended = false;
    const send = async (): Promise<SentMessages> => {
      let sent = 0;
      try {
        await Promise.resolve();
        for (; sent < messages.length && !ended; told(sent)) {
          await this.sendBytes(index, messages[sent]!.channel, messages[sent]!.data);
          sent += 1;
        }
        return { sent, error: undefined };
      } catch (error) {
        return { sent, error: error as PoolError };
      } finally {
        ended = true;
      }
    };
    return {
      done: send(),
      stop: () => (ended = true),
      push: (channel, data) => !ended && messages.push({ channel, data: Uint8Array.from(bytesOf(data)!) }) > 0,
    };
  }

  /** RECVs, one after the other. */
  receiveMessages(
    index: number,
    channel: number,
    { count = Infinity, timeout, message }: ReceiveOptions,
  ): Transfer<ReceiveEnd> {
    const stopped = new AbortController();
    const buffer = new Uint8Array(65535);
    const receive = async (): Promise<ReceiveEnd> => {
      for (let got = 0; got < count; got += 1) {
        try {
          const bytes = await this.recvBytes(index, channel, buffer, {
            signal: stopped.signal,
            timeout,
            onLate: message,
          });
          if (bytes === null) return 'timeout';
          message(buffer.slice(0, bytes));
        } catch (error) {
          if (error === stopped.signal.reason) return 'stopped';
          throw error;
        }
      }
      return 'count';
    };
    return { done: receive(), stop: () => stopped.abort() };
  }

  async sessions(): Promise<DeviceSession[]> {
    this.calls.push('SESSIONS');
    const rows = this.#rows();
    this.onSessions?.();
    await Promise.resolve();
    if (this.gone !== null) throw errno(this.gone as 'ENOTCONN');
    return rows;
  }

  readyToClose(): void {
    this.closersReady = true;
  }

  /** As poolioc has it: a device that tells comes back when something changed, on the module a thread looks every now and then. */
  async tableChange(
    known: TableState | null,
    { signal, interval = 25, counters = false }: TableChangeOptions = {},
  ): Promise<TableState> {
    this.watches += 1;
    for (;;) {
      signal?.throwIfAborted();
      if (this.gone !== null) throw errno(this.gone as 'ENOTCONN');
      const digest = Buffer.from(this.#digest(counters));
      const port = !this.tells ? null : this.listening ? this.port : 0;
      if (known === null || !digest.equals(known.digest!)) return { number: null, port, digest };
      await new Promise<void>((resolve) => {
        const timer = this.#clock.after(this.tells ? TELL_MS : interval, go);
        function go(): void {
          timer.cancel();
          signal?.removeEventListener('abort', go);
          resolve();
        }
        signal?.addEventListener('abort', go, { once: true });
      });
    }
  }

  async closeSession(index: number, options: CloseSessionOptions = {}): Promise<void> {
    const { abort = false, onCall } = options;
    if (abort && !this.aborts) {
      this.calls.push(`CLOSE_SESS ${index} abort`);
      await Promise.resolve();
      throw errno('EINVAL');
    }
    await this.beforeClose?.();
    // Where the device waits for its turn, and gives it up when that takes too long.
    if (this.othersClose) throw errno('EBUSY');
    onCall?.();
    if (!this.#close(index, options)) throw errno('ESRCH');
    if (this.closeHangs) await new Promise(() => {});
    await Promise.resolve();
  }

  async channelSubscribe(index: number, channel: number): Promise<void> {
    this.calls.push(`SUBSCRIBE ${index} ${channel}`);
    await Promise.resolve();
    if (this.session(index) === null) throw errno('ENOENT');
  }

  async channelUnsubscribe(index: number, channel: number): Promise<void> {
    this.calls.push(`UNSUBSCRIBE ${index} ${channel}`);
    await Promise.resolve();
  }

  async sessionEnds(index: number): Promise<SessionEnds | null> {
    await Promise.resolve();
    const row = this.session(index)?.row;
    if (!this.tells || row === undefined || row === null) return null;
    const [local, remote] = [row.local, row.remote].map((text) => {
      const { address, port } = Addr.parse(text);
      return { addr: Uint8Array.from(ipv4ToMapped(address)), port };
    });
    return { local: local!, remote: remote! };
  }

  onExit(hook: (device: SyncDevice) => void): () => void {
    this.#exit.push(hook);
    return () => (this.#exit = this.#exit.filter((one) => one !== hook));
  }

  // How it works inside.

  /** False: refused for want of the thread, as poolioc's worker does it right before the call. */
  #close(index: number, { abort = false, thread, sessionId, pair }: CloseSessionOptions): boolean {
    const inSlot = this.session(index);
    if (this.module && inSlot !== null) {
      if (sessionId === undefined) this.faults.push('CLOSE_SESS of whatever the slot has');
      else if (inSlot.id !== Buffer.from(sessionId).toString('hex')) throw errno('ENOENT');
    }
    const other = this.#slots.find(({ session }) => session?.id === inSlot?.id && session?.index !== index)?.session;
    if (pair === true && !other) return false;
    if (thread !== undefined && !isKernelThread(this.#procFile(`${thread.pid}/stat`), thread.name)) return false;
    this.calls.push(`CLOSE_SESS ${index}${abort ? ' abort' : ''}`);
    if (abort && this.module) this.faults.push('CLOSE_SESS of an index that the module does not have');
    const slot = this.#slots[index]!;
    const { session } = slot;
    if (session === null) return true;
    if (this.module && thread === undefined) this.faults.push('hazard 2: CLOSE_SESS without a look right before it');
    if (this.module && session.thread === null) this.faults.push('hazard 2: CLOSE_SESS without the receiver thread');
    if (session.sending > 0 && !abort) this.faults.push('hazard 12: CLOSE_SESS while a SEND runs');
    slot.session = null;
    // Both ends are on this machine: the other one gets CLOSE.
    if (other) this.peerCloses(other);
    return true;
  }

  #digest(counters: boolean): string {
    const packets = (session: ModelSession): bigint =>
      counters || session.packetsRecv < 3n ? session.packetsRecv : 3n;
    const sessions = this.#slots.flatMap(({ session }) => session ?? []);
    const rows = sessions.map(
      (one) => `${one.index} ${one.state} ${one.id} ${packets(one)} ${this.tells && one.queue.length > 0}`,
    );
    return !this.tells ? rows.join() : `${this.listening} ${rows.join()}`;
  }

  #stop(): void {
    this.calls.push('STOP');
    this.listening = false;
  }

  #take(slot: SlotModel, channel: number): Uint8Array | 'empty' {
    const { session } = slot;
    if (session === null) throw errno('ENOTCONN');
    const found = channel === 0 ? 0 : session.queue.findIndex((one) => one.channel === channel);
    if (session.queue.length > 0 && found < 0) throw errno('EAGAIN');
    const [message] = session.queue.splice(found, 1);
    if (message !== undefined) return message.data;
    if (session.state === CLOSING) throw errno('ECONNRESET');
    return 'empty';
  }

  #wake(index: number): void {
    for (const waiter of [...this.#slots[index]!.waiters]) waiter.take();
  }

  #free(): SlotModel | undefined {
    return this.#slots.find(({ session }) => session === null);
  }

  #id(): string {
    return (this.#nextId++).toString(16).padStart(32, '0');
  }

  #dial(slot: SlotModel, to: string, id: string, request?: ConnectRequest): ModelSession {
    const [address = '', port = '0'] = to.split(':');
    const mapped = Buffer.from(
      `00000000000000000000ffff${Buffer.from(address.split('.').map(Number)).toString('hex')}`,
      'hex',
    );
    slot.dialled = {
      addr: (request && bytesOf(request.peerAddr)) ?? mapped,
      port: request?.peerPort ?? Number(port),
      family: 10,
    };
    const session = this.#begin(slot, id, 'dialled', { local: `10.0.0.2:${this.#nextPort++}`, remote: to });
    session.thread = this.module ? this.#nextPid++ : null;
    session.packetsRecv = 2n;
    session.bytesRecv = 258n;
    if (this.greeted) this.heartbeat(session);
    return session;
  }

  #begin(slot: SlotModel, id: string, role: ModelSession['role'], row: ModelSession['row']): ModelSession {
    const session: ModelSession = {
      index: this.#slots.indexOf(slot),
      id,
      state: ESTABLISHED,
      role,
      thread: null,
      row: row && { ...row, inode: this.#nextInode++ },
      queue: [],
      sent: [],
      packetsRecv: 0n,
      bytesRecv: 0n,
      sendFailed: false,
      sending: 0,
      peerReads: true,
      sendErrors: [],
      unblock: [],
    };
    slot.session = session;
    slot.everUsed = true;
    // A RECV that was left waiting takes the new session's message.
    return session;
  }

  #rows(): DeviceSession[] {
    return this.#slots.flatMap(({ session, dialled }) => {
      if (session === null) return [];
      const servedAccepted = !this.module && session.role === 'accepted';
      const { state, packetsRecv, bytesRecv } = session;
      return [
        {
          index: session.index,
          peerAddr: Uint8Array.from(dialled.addr),
          peerPort: servedAccepted ? 0 : dialled.port,
          addrFamily: dialled.family,
          state: state || IDLE,
          sessionId: Buffer.from(session.id, 'hex'),
          bytesSent: BigInt(session.sent.reduce((sum, { data }) => sum + data.byteLength, 0)),
          bytesRecv,
          packetsSent: BigInt(session.sent.length),
          packetsRecv,
          rekeyCount: 7,
          telemetry: {
            rttNs: 1_234_567n,
            jitterNs: 8_901n,
            lossRatePpm: 12,
            throughputBps: 34,
            mtuCurrent: 1400,
            queueDepth: 0,
            uptimeNs: 56n,
            rekeyCount: 0,
            configVersion: 1,
          },
        },
      ];
    });
  }

  #procFile(path: string): string | null {
    const threads = this.#slots.flatMap(({ session }) =>
      session === null || session.thread === null ? [] : [session],
    );
    if (path === 'pool/status') {
      if (!this.module || !this.statusVisible) return null;
      return `Status: ${this.listening ? 'listening' : 'idle'}\nListen port: ${this.port}\nActive sessions: 0 / 64\n`;
    }
    if (path === 'net/tcp') {
      this.onTcpRead?.();
      return this.tcpVisible ? this.#tcp() : 'header\n';
    }
    if (!this.threadsVisible) return null;
    if (path === '2/comm') return 'kthreadd\n';
    if (path === '2/task/2/children') return `3 4 ${threads.map(({ thread }) => thread).join(' ')} `;
    const thread = threads.find((one) => path.startsWith(`${one.thread}/`));
    if (thread === undefined) return null;
    if (path.endsWith('/comm')) return `pool_rx_${thread.index}\n`;
    return `${thread.thread} (pool_rx_${thread.index}) S 2 0 0 0 -1\n`;
  }

  #tcp(): string {
    const listeners = this.listening
      ? [{ local: `0.0.0.0:${this.port}`, remote: '0.0.0.0:0', state: '0A', inode: 4998 }]
      : [];
    const rows = [...this.#slots.flatMap(({ session }) => session?.row ?? []), ...this.strayRows];
    const lines = [...listeners, ...rows.map((row) => ({ ...row, state: '01' }))].map(
      ({ local, remote, state, inode = 4999 }, n) =>
        `   ${n}: ${tcpEnd(local)} ${tcpEnd(remote)} ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1`,
    );
    return ['  sl  local_address rem_address   st', ...lines, ''].join('\n');
  }
}

function tcpEnd(text: string): string {
  const [address = '', port = '0'] = text.split(':');
  const bytes = address.split('.').map((part) => Number(part).toString(16).padStart(2, '0'));
  return `${bytes.reverse().join('')}:${Number(port).toString(16).padStart(4, '0')}`.toUpperCase();
}

function copy(message: Uint8Array | 'empty', buffer: Uint8Array): number {
  if (message === 'empty') throw new Error('nothing to copy');
  buffer.set(message);
  return message.byteLength;
}
