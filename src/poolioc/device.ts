/**
 * The device file: each request of pool.h as a promise, made by a worker thread. Here are the
 * checks of each, and its errors; what it puts into the kernel's structs and takes out is in requests.ts.
 */
import type { Bytes, BytesInput } from '../base/bytes.js';
import { ipFromBytes } from '../base/ip.js';
import { keepName } from '../base/own-properties.js';
import { PoolError } from '../base/errors.js';
import { checkInteger, checkPath } from '../base/arguments.js';
import * as check from './arguments.js';
import { Closings } from './threads/closings.js';
import { CHANNEL_ENDS, ChannelOperation, CLOSE_ABORT, END_BYTES } from './abi/constants.js';
import { CLOSED, STOPPED, TIMED_OUT, settled } from './threads/device-call.js';
import { callError, closedError, timeoutError } from './device-errors.js';
import type { ProcFiles } from './kernel-thread.js';
import { processWorkers, type Workers } from './threads/process-workers.js';
import { receiverThread } from './receiver-thread.js';
import { MOST_MESSAGES } from './threads/message-ring.js';
import { OutgoingMessages } from './threads/outgoing-messages.js';
import * as requests from './requests.js';
import { SENTINELS, abiMismatch } from './abi/session-rows.js';
import { syncDevice } from './sync-device.js';
import { watchTablePlan } from './table-change.js';
import type {
  CallOptions,
  CloseSessionOptions,
  ConnectRequest,
  LateOptions,
  PoolDevice,
  ReceiveEnd,
  ReceiveOptions,
  RecvRequest,
  RecvResult,
  Sending,
  SendOptions,
  SendRequest,
  SentMessages,
  SessionEnd,
  SessionEnds,
  SessionInfo,
  SessionToClose,
  SyncDevice,
  TableChangeOptions,
  TableState,
  Transfer,
} from './types.js';
import { UnclaimedMessages } from './threads/unclaimed.js';
import type { CallPlan, WorkerCall } from './threads/worker-call.js';

/** Where the module makes its device. */
export const DEFAULT_DEVICE_PATH = '/dev/pool';

/** ms that a closing waits for its turn among those of the machine (kernel contract, hazard 2). */
const TURN_MS = 5000;
/** ms for all calls at the end of a process, on the module: a slot that is left taken comes back only with a reboot. */
const MODULE_EXIT_MS = 5000;
/** ms between two looks at a table whose device does not tell of its changes: a session is to be seen within 50. */
const DEFAULT_WATCH_MS = 25;
/** What a device gives for a request that it does not know. */
const NOT_KNOWN = new Set(['EINVAL', 'ENOENT', 'ENOTTY']);

/** Options of {@link Device.open}. */
export interface OpenOptions extends CallOptions {
  /** Whose threads make the calls; those of the process by default. */
  workers?: Workers;
  /** Where kernel threads are looked for; the machine's /proc by default. */
  proc?: ProcFiles | undefined;
}

/** Bytes from which on memory isn't zeroed before a message is copied into it. */
const LONG_MESSAGE = 1024;

/** A copy that shares no memory with the thread's. */
function owned(bytes: Uint8Array): Uint8Array {
  if (bytes.length < LONG_MESSAGE) return new Uint8Array(bytes);
  const copy = new Uint8Array(Buffer.allocUnsafeSlow(bytes.length).buffer);
  copy.set(bytes);
  return copy;
}

/** A transfer that was not begun. */
function refused(error: Error): Transfer<never> {
  const done = Promise.reject(error);
  // Whoever waits for it gets it.
  done.catch(() => {});
  return { done, stop() {} };
}

/** What a call is about, for its error. */
interface Subject {
  operation: string;
  /** Which options it takes; those of every call by default. */
  call?: 'call' | 'late' | 'close';
  address?: string;
  port?: number;
}

/**
 * An open device file. See {@link PoolDevice} for the contract of each call.
 *
 * @example
 * const device = await Device.open();
 * for (const session of await device.sessions()) console.log(session.index, session.state);
 * await device.close();
 */
export class Device implements PoolDevice {
  readonly path: string;
  readonly isCharacterDevice: boolean;
  readonly #workers: Workers;
  readonly #identity: string;
  readonly #proc: ProcFiles | undefined;
  readonly #calls = new Set<WorkerCall<unknown>>();
  readonly #closings = new Closings();
  readonly #unclaimed = new UnclaimedMessages();
  /** Whether the device tells of changes of its table, as far as is known. */
  #tells = true;
  #fd: number;
  #ref = true;
  #closing: Promise<void> | null = null;

  static {
    keepName(this, 'Device');
  }

  private constructor(
    path: string,
    fd: number,
    file: { isCharacterDevice: boolean; identity: string },
    { workers, proc }: { workers: Workers; proc: ProcFiles | undefined },
  ) {
    this.path = path;
    this.#proc = proc;
    this.#fd = fd;
    this.isCharacterDevice = file.isCharacterDevice;
    this.#identity = file.identity;
    this.#workers = workers;
  }

  /**
   * Opens the device (O_RDWR, O_CLOEXEC). Rejects with a PoolError: ENOENT, EACCES, ENXIO... with what to do; ENOTSUP
   * where there is no such device at all. A file that is no POOL device opens, and gives ENOTTY at the first request.
   */
  static async open(path: string = DEFAULT_DEVICE_PATH, options: OpenOptions = {}): Promise<Device> {
    checkPath('the path of the device', path);
    check.checkOptions(options, 'open');
    options.signal?.throwIfAborted();
    const workers = options.workers ?? (await processWorkers());
    const operation = 'open';
    const call = workers.pool.submit(
      requests.openPlan(path, (fd) => void workers.pool.submit(requests.closePlan(fd), { ref: false })),
    );
    const { ret, errno, file } = await settled(call, options, true).catch((reason: unknown) => {
      throw reason === TIMED_OUT ? timeoutError(operation, path, options.timeout!) : reason;
    });
    if (ret < 0) throw callError({ operation, path, syscall: 'open', errno });
    return new Device(path, ret, file!, { workers, proc: options.proc });
  }

  get fd(): number {
    return this.#fd;
  }

  async listen(port: number, options: CallOptions = {}): Promise<void> {
    check.checkPort(port);
    await this.#request({ operation: `listen on port ${port}`, port }, options, (fd) => requests.listenPlan(fd, port));
  }

  async stop(options: CallOptions = {}): Promise<void> {
    await this.#request({ operation: 'stop listening' }, options, (fd) => requests.stopPlan(fd));
  }

  async connect(request: ConnectRequest, options: LateOptions<number> = {}): Promise<number> {
    const checked = check.checkConnect(request);
    const { peerAddr, peerPort: port } = checked;
    const address = ipFromBytes(peerAddr);
    const late = options.onLate ?? ((index: number) => this.#warnOfLate(index));
    const operation = `connect to ${address.includes(':') ? `[${address}]` : address}:${port}`;
    const index = await this.#request({ operation, address, port, call: 'late' }, options, (fd) =>
      requests.connectPlan(fd, checked, late),
    );
    return index!;
  }

  async send(request: SendRequest, options: CallOptions = {}): Promise<void> {
    check.checkRequest(request);
    const { sessionIdx, channel = 0, flags = 0, data } = request;
    check.checkSession(sessionIdx);
    check.checkChannel(channel);
    check.checkFlags(flags);
    let bytes = check.checkData(data, this.isCharacterDevice);
    let taken = false;
    const sending = this.#request({ operation: `send to session ${sessionIdx}` }, options, (fd) =>
      requests.sendPlan(fd, this.#slotKey(sessionIdx), { sessionIdx, channel, flags }, () => {
        taken = true;
        return bytes;
      }),
    );
    // The caller's buffer may change before a thread is free.
    if (!taken) bytes = Uint8Array.from(bytes);
    await sending;
  }

  async sendBytes(session: number, channel: number, data: BytesInput, options: CallOptions = {}): Promise<void> {
    await this.send({ sessionIdx: session, channel, data }, options);
  }

  async recv(request: RecvRequest, options: LateOptions<Uint8Array> = {}): Promise<RecvResult | null> {
    check.checkRequest(request);
    const { sessionIdx, channel = 0, flags = 0, data } = request;
    check.checkSession(sessionIdx);
    check.checkChannel(channel);
    check.checkFlags(flags);
    const buffer = check.checkBuffer(data);
    const kept = this.#unclaimed.take(sessionIdx, channel, buffer);
    if (kept !== null) return kept;
    const operation = `receive from session ${sessionIdx}`;
    let homeless: Uint8Array | undefined;
    const into = (message: Uint8Array): void => {
      if (message.length <= buffer.length) buffer.set(message);
      else homeless = new Uint8Array(message);
    };
    try {
      const received = (await this.#request({ operation, call: 'late' }, options, (fd) =>
        requests.recvPlan(fd, { sessionIdx, channel, flags, capacity: buffer.length }, into, options.onLate),
      ))!;
      if (homeless === undefined) return received;
      this.#unclaimed.keep(sessionIdx, channel, { result: received, message: homeless });
      const reason = `the buffer was detached or shrank meanwhile: the next receive takes the ${homeless.length} bytes`;
      throw new PoolError('ERR_INVALID_ARG_VALUE', `${operation}: ${reason}`);
    } catch (error) {
      if (options.timeout !== undefined && error instanceof PoolError && error.code === 'ERR_POOL_TIMEOUT') return null;
      throw error;
    }
  }

  async recvBytes(
    session: number,
    channel: number,
    buffer: BytesInput,
    options: LateOptions<Uint8Array> = {},
  ): Promise<number | null> {
    const received = await this.recv({ sessionIdx: session, channel, data: buffer }, options);
    return received === null ? null : received.len;
  }

  receiveMessages(session: number, channel: number, options: ReceiveOptions): Transfer<ReceiveEnd> {
    const operation = `receive from session ${session}`;
    const { message, count = MOST_MESSAGES, timeout } = options;
    try {
      check.checkNames(options, 'receive');
      check.checkSession(session);
      check.checkChannel(channel);
      checkInteger('count', count, 1, MOST_MESSAGES);
      check.checkOptions({ timeout });
      this.#assertOpen(operation);
    } catch (error) {
      return refused(error as Error);
    }
    const call = this.#submit((fd) =>
      requests.receiveMessagesPlan(fd, { sessionIdx: session, channel, count }, (bytes) => message(owned(bytes))),
    );
    const ended = async (): Promise<ReceiveEnd> => {
      try {
        const { ret, errno } = await settled(call, { timeout }, this.#ref);
        if (ret < 0) throw callError({ operation, path: this.path, syscall: 'ioctl', errno });
        return 'count';
      } catch (reason) {
        if (reason === STOPPED) return 'stopped';
        if (reason === TIMED_OUT) return 'timeout';
        throw reason === CLOSED ? closedError(operation, this.path) : reason;
      }
    };
    return { done: ended(), stop: () => call.cancel({ reason: STOPPED }) };
  }

  sendMessages(session: number, options: SendOptions): Sending {
    const operation = `send to session ${session}`;
    const { sent } = options;
    try {
      check.checkNames(options, 'send');
      check.checkSession(session);
      this.#assertOpen(operation);
    } catch (error) {
      return { ...refused(error as Error), push: () => false };
    }
    const outgoing = new OutgoingMessages(sent);
    const call = this.#submit((fd) =>
      requests.sendMessagesPlan(fd, this.#slotKey(session), session, {
        begun: (ring) => outgoing.begin(ring),
        news: () => outgoing.news(),
      }),
    );
    const ended = async (): Promise<SentMessages> => {
      try {
        const { ret, errno } = await call.promise;
        const error = errno === 0 ? undefined : callError({ operation, path: this.path, syscall: 'ioctl', errno });
        return { sent: ret, error };
      } catch (reason) {
        if (reason === STOPPED) return { sent: 0, error: undefined };
        throw reason === CLOSED ? closedError(operation, this.path) : reason;
      } finally {
        outgoing.end();
      }
    };
    return {
      done: ended(),
      stop: () => call.halt(STOPPED),
      push: (channel, data) => {
        check.checkChannel(channel);
        return outgoing.push(channel, check.checkData(data, this.isCharacterDevice));
      },
    };
  }

  async sessions(options: CallOptions = {}): Promise<SessionInfo[]> {
    const subject = { operation: 'list sessions' };
    let read = (await this.#request(subject, options, (fd) => requests.sessionsPlan(fd, SENTINELS[0])))!;
    if (read.rows === null) {
      read = (await this.#request(subject, options, (fd) => requests.sessionsPlan(fd, SENTINELS[1])))!;
    }
    if (read.rows === null) throw abiMismatch(this.path, read.count, read.written);
    return read.rows;
  }

  async closeSession(index: number, options: CloseSessionOptions = {}): Promise<void> {
    check.checkSession(index);
    const operation = `close session ${index}`;
    await this.#request({ operation, call: 'close' }, options, (fd) => this.#closePlan(fd, { ...options, index }));
    this.#unclaimed.drop(index);
  }

  async channelSubscribe(session: number, channel: number, options: CallOptions = {}): Promise<void> {
    await this.#channel(session, channel, ChannelOperation.SUBSCRIBE, options);
  }

  async channelUnsubscribe(session: number, channel: number, options: CallOptions = {}): Promise<void> {
    await this.#channel(session, channel, ChannelOperation.UNSUBSCRIBE, options);
  }

  async channelList(session: number, options: CallOptions = {}): Promise<Bytes> {
    return (await this.#channel(session, 0, ChannelOperation.LIST, options))!;
  }

  async sessionEnds(session: number, options: CallOptions = {}): Promise<SessionEnds | null> {
    check.checkSession(session);
    if (this.isCharacterDevice) return null;
    try {
      const bytes = (await this.#channel(session, 0, CHANNEL_ENDS, options))!;
      return { local: endAt(bytes, 0), remote: endAt(bytes, END_BYTES) };
    } catch (error) {
      if (error instanceof PoolError && error.code === 'EINVAL') return null;
      throw error;
    }
  }

  readyToClose(): void {
    this.#workers.pool.reserve('close');
  }

  async tableChange(known: TableState | null, options: TableChangeOptions = {}): Promise<TableState> {
    check.checkNames(options, 'tableChange');
    const { signal, interval = DEFAULT_WATCH_MS, counters = false } = options;
    check.checkInterval(interval);
    const operation = 'wait for a change of the session table';
    if (!this.isCharacterDevice && this.#tells) {
      try {
        const told = await this.#request({ operation }, { signal }, (fd) =>
          requests.tableChangePlan(fd, known?.number ?? 0n),
        );
        return { number: told!.number, port: told!.port, digest: null };
      } catch (error) {
        if (!(error instanceof PoolError && NOT_KNOWN.has(error.code))) throw error;
        this.#tells = false;
      }
    }
    const digest = await this.#request({ operation }, { signal }, (fd) =>
      watchTablePlan(fd, known?.digest ?? null, { interval, counters }),
    );
    return { number: null, port: null, digest: digest! };
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  /** `await using device = await Device.open()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  ref(): this {
    return this.#setRef(true);
  }

  unref(): this {
    return this.#setRef(false);
  }

  onExit(hook: (device: SyncDevice) => void): () => void {
    const { pool, exit } = this.#workers;
    return exit.onExit((left) => {
      if (this.#closing !== null) return;
      const fd = this.#fd;
      const { path, isCharacterDevice: module } = this;
      hook(
        syncDevice({
          pool,
          path,
          fd,
          closePlan: (session) => this.#closePlan(fd, { ...session, patience: left(MODULE_EXIT_MS) }),
          ...(module ? { turn: this.#turnKey, left: () => left(MODULE_EXIT_MS) } : { left }),
        }),
      );
    });
  }

  #channel(session: number, channel: number, operation: number, options: CallOptions): Promise<Bytes | undefined> {
    check.checkSession(session);
    check.checkChannel(channel);
    return this.#request({ operation: `use channel ${channel} of session ${session}` }, options, (fd) =>
      requests.channelPlan(fd, { sessionIdx: session, channel, operation }),
    );
  }

  /** Errors are made here, after an await of the caller's, so that their stacks lead to the caller. */
  async #request<T>(
    { operation, call: kind = 'call', address, port }: Subject,
    options: CallOptions,
    plan: (fd: number) => CallPlan<requests.Outcome<T>>,
  ): Promise<T | undefined> {
    check.checkOptions(options, kind);
    options.signal?.throwIfAborted();
    this.#assertOpen(operation);
    const call = this.#submit(plan);
    let outcome: requests.Outcome<T>;
    try {
      outcome = await settled(call, options, this.#ref);
    } catch (reason) {
      if (reason === TIMED_OUT) throw timeoutError(operation, this.path, options.timeout!);
      throw reason === CLOSED ? closedError(operation, this.path) : reason;
    }
    const { ret, errno, value } = outcome;
    if (ret < 0) throw callError({ operation, path: this.path, syscall: 'ioctl', errno, address, port });
    return value;
  }

  #submit<T>(plan: (fd: number) => CallPlan<T>): WorkerCall<T> {
    const call = this.#workers.pool.submit(plan(this.#fd), { ref: this.#ref });
    this.#calls.add(call as WorkerCall<unknown>);
    void call.ended.then(() => this.#calls.delete(call as WorkerCall<unknown>));
    return call;
  }

  #assertOpen(operation: string): void {
    if (this.#closing !== null) throw closedError(operation, this.path);
  }

  async #close(): Promise<void> {
    const fd = this.#fd;
    this.#fd = -1;
    const calls = [...this.#calls];
    for (const call of calls) call.cancel({ reason: CLOSED });
    await Promise.allSettled(calls.map(({ promise }) => promise));
    // A thread may still be on its way into a SEND: its descriptor must not become another file's. So it is closed when
    // the last thread is out, and nobody waits for that.
    const closed = Promise.all(calls.map(({ ended }) => ended)).then(
      () => this.#workers.pool.submit(requests.closePlan(fd), { ref: this.#ref }).promise,
    );
    if (calls.every((call) => call.isEnded)) await closed;
  }

  /** One SEND at a time on a slot, and no CLOSE_SESS meanwhile (kernel contract, hazard 12). */
  #closePlan(fd: number, session: SessionToClose & { onCall?: (() => void) | undefined; patience?: number }) {
    const { index, abort = false, thread } = session;
    if (!this.isCharacterDevice) {
      const [key, argument] = abort ? [undefined, index + CLOSE_ABORT] : [this.#slotKey(index), index];
      return requests.closeSessionPlan(fd, key, argument, thread);
    }
    const { onCall, sessionId, pair = false, patience = TURN_MS } = session;
    const receiver = thread ?? receiverThread(this.path, index, this.#proc);
    return requests.closeSlotPlan(
      { slot: this.#slotKey(index), turn: this.#turnKey },
      (memory) => this.#closings.order(memory, { fd, index, session: sessionId, thread: receiver, pair, patience }),
      { called: onCall, closed: (memory) => this.#closings.closed(memory) },
    );
  }

  get #turnKey(): string {
    return `${this.#identity} closing`;
  }

  #slotKey(index: number): string {
    return `${this.#identity} slot ${index}`;
  }

  #setRef(ref: boolean): this {
    this.#ref = ref;
    for (const call of this.#calls) call.setRef(ref);
    return this;
  }

  #warnOfLate(index: number): void {
    process.emitWarning(
      `session ${index} of ${this.path} was established after its connect was given up, and takes up a slot until it is closed; the option onLate of connect tells of such sessions`,
      { code: 'POOL_LATE_SESSION' },
    );
  }
}

function endAt(bytes: Bytes, at: number): SessionEnd {
  return { addr: bytes.slice(at, at + 16), port: bytes[at + 16]! | (bytes[at + 17]! << 8) };
}
