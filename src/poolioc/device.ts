/** The device file: each request of pool.h as a promise, made by a worker thread, with the checks of its arguments. */
import type { Bytes, BytesInput, CopyBytes } from '../base/bytes.js';
import { throwIfAborted } from '../base/abort.js';
import { ipFromBytes, joinHostPort } from '../base/ip.js';
import { keepName } from '../base/own-properties.js';
import { PoolError } from '../base/errors.js';
import { checkPath } from '../base/arguments.js';
import * as check from './arguments.js';
import { CHANNEL_ENDS, ChannelOperation, END_BYTES } from './abi/constants.js';
import { Descriptor, rejection, settled, valueOf } from './descriptor.js';
import type { ProcFiles } from './closing/kernel-thread.js';
import { RingsOpener } from './rings/open-rings.js';
import { beginReceiving, beginSending } from './message-transfers.js';
import { processWorkers, type Workers } from './threads/process-workers.js';
import { programCallback } from './program-callback.js';
import * as requests from './requests.js';
import { SENTINELS, abiMismatch } from './abi/session-table.js';
import { CloseRequests } from './closing/close-requests.js';
import { syncDevice } from './sync-device.js';
import { watchTableRequest } from './threads/table-change.js';
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
  RingsOptions,
  Sending,
  SendOptions,
  SendRequest,
  SessionEnd,
  SessionEnds,
  SessionInfo,
  SessionRings,
  SyncDevice,
  TableChangeOptions,
  TableState,
  Transfer,
} from './types.js';
import { UnclaimedMessages } from './threads/unclaimed.js';

/** Where the module makes its device. */
export const DEFAULT_DEVICE_PATH = '/dev/pool';

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
  readonly #descriptor: Descriptor;
  readonly #closer: CloseRequests;
  readonly #rings: RingsOpener;
  readonly #unclaimed = new UnclaimedMessages();
  /** Whether the device tells of changes of its table, as far as is known. */
  #tells = true;

  static {
    keepName(this, 'Device');
  }

  private constructor(descriptor: Descriptor, closer: CloseRequests, workers: Workers, isCharacterDevice: boolean) {
    this.path = descriptor.path;
    this.isCharacterDevice = isCharacterDevice;
    this.#descriptor = descriptor;
    this.#closer = closer;
    this.#rings = new RingsOpener(descriptor);
    this.#workers = workers;
  }

  /**
   * Opens the device (O_RDWR, O_CLOEXEC). Rejects with a PoolError: ENOENT, EACCES, ENXIO... with what to do; ENOTSUP
   * where there is no such device at all. A file that is no POOL device opens, and gives ENOTTY at the first request.
   */
  static async open(path: string = DEFAULT_DEVICE_PATH, options: OpenOptions = {}): Promise<Device> {
    checkPath('the path of the device', path);
    check.checkCallOptions(options, 'open');
    throwIfAborted(options.signal);
    const { workers = await processWorkers(), proc } = options;
    const { pool } = workers;
    const subject = { operation: 'open', path, syscall: 'open' } as const;
    const late = (fd: number): void => void pool.submit(requests.close(fd), { ref: false });
    const outcome = await settled(pool.submit(requests.open(path, late)), options, true).catch((reason: unknown) => {
      throw rejection(reason, subject, options.timeout);
    });
    const { fd, file } = valueOf(outcome, subject);
    const closer = new CloseRequests({ ...file, path, proc });
    return new Device(new Descriptor(path, fd, pool), closer, workers, file.isCharacterDevice);
  }

  get fd(): number {
    return this.#descriptor.fd;
  }

  async listen(port: number, options: CallOptions = {}): Promise<void> {
    check.checkPort(port);
    await this.#descriptor.make({ operation: `listen on port ${port}`, port }, options, (fd) =>
      requests.listen(fd, port),
    );
  }

  async stop(options: CallOptions = {}): Promise<void> {
    await this.#descriptor.make({ operation: 'stop listening' }, options, (fd) => requests.stop(fd));
  }

  async connect(request: ConnectRequest, options: LateOptions<number> = {}): Promise<number> {
    const checked = check.checkConnect(request);
    const { peerAddr, peerPort: port } = checked;
    const address = ipFromBytes(peerAddr);
    const late = programCallback(options.onLate ?? ((index: number) => this.#warnOfLate(index)), undefined);
    const operation = `connect to ${joinHostPort(address, port)}`;
    const made = (fd: number) => requests.connect(fd, checked, late);
    return this.#descriptor.make({ operation, address, port }, options, made, 'late');
  }

  async send(request: SendRequest, options: CallOptions = {}): Promise<void> {
    const { sessionIdx, channel, flags, data } = check.checkRequest(request);
    let bytes = check.checkData(data, this.isCharacterDevice);
    let taken = false;
    const sending = this.#descriptor.make({ operation: `send to session ${sessionIdx}` }, options, (fd) =>
      requests.send(fd, this.#closer.slotKey(sessionIdx), { sessionIdx, channel, flags }, () => {
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

  async recv(request: RecvRequest, options: LateOptions<Bytes> = {}): Promise<RecvResult | null> {
    const { sessionIdx, channel, flags, data } = check.checkRequest(request);
    const buffer = check.checkBuffer(data);
    const kept = this.#unclaimed.take(sessionIdx, channel, buffer);
    if (kept !== null) return kept;
    const operation = `receive from session ${sessionIdx}`;
    let homeless: Uint8Array | undefined;
    const into = (message: Uint8Array, copy: CopyBytes): void => {
      if (message.length <= buffer.length) copy(buffer, message);
      else homeless = new Uint8Array(message);
    };
    try {
      const from = { sessionIdx, channel, flags, capacity: buffer.length };
      const late = options.onLate && programCallback(options.onLate, undefined);
      const made = (fd: number) => requests.recv(fd, from, into, late);
      const received = await this.#descriptor.make({ operation }, options, made, 'late');
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
    options: LateOptions<Bytes> = {},
  ): Promise<number | null> {
    const received = await this.recv({ sessionIdx: session, channel, data: buffer }, options);
    return received === null ? null : received.len;
  }

  receiveMessages(session: number, channel: number, options: ReceiveOptions): Transfer<ReceiveEnd> {
    return beginReceiving(this.#descriptor, session, channel, options);
  }

  sendMessages(session: number, options: SendOptions): Sending {
    const slotKey = (index: number): string => this.#closer.slotKey(index);
    return beginSending(this.#descriptor, session, options, { slotKey, isModule: this.isCharacterDevice });
  }

  async sessionRings(session: number, sessionId: Uint8Array, options: RingsOptions): Promise<SessionRings | null> {
    check.checkCallNames(options, 'rings');
    check.checkSession(session);
    const id = check.checkSessionId(sessionId);
    this.#descriptor.assertOpen(`open rings of session ${session}`);
    return this.isCharacterDevice ? null : this.#rings.open(session, id, options);
  }

  async sessions(options: CallOptions = {}): Promise<SessionInfo[]> {
    const subject = { operation: 'list sessions' };
    let read = await this.#descriptor.make(subject, options, (fd) => requests.sessions(fd, SENTINELS[0]));
    if (read.rows === null)
      read = await this.#descriptor.make(subject, options, (fd) => requests.sessions(fd, SENTINELS[1]));
    if (read.rows === null) throw abiMismatch(this.path, read.count, read.written);
    return read.rows;
  }

  async closeSession(index: number, options: CloseSessionOptions = {}): Promise<void> {
    check.checkSession(index);
    const made = (fd: number) => this.#closer.request(fd, { ...options, index });
    await this.#descriptor.make({ operation: `close session ${index}` }, options, made, 'close');
    this.#unclaimed.drop(index);
  }

  async channelSubscribe(session: number, channel: number, options: CallOptions = {}): Promise<void> {
    await this.#channel(session, channel, ChannelOperation.SUBSCRIBE, options);
  }

  async channelUnsubscribe(session: number, channel: number, options: CallOptions = {}): Promise<void> {
    await this.#channel(session, channel, ChannelOperation.UNSUBSCRIBE, options);
  }

  async channelList(session: number, options: CallOptions = {}): Promise<Bytes> {
    return this.#channel(session, 0, ChannelOperation.LIST, options);
  }

  async sessionEnds(session: number, options: CallOptions = {}): Promise<SessionEnds | null> {
    check.checkSession(session);
    if (this.isCharacterDevice) return null;
    try {
      const bytes = await this.#channel(session, 0, CHANNEL_ENDS, options);
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
    check.checkCallNames(options, 'tableChange');
    const { signal, interval = DEFAULT_WATCH_MS, counters = false } = options;
    check.checkInterval(interval);
    const operation = 'wait for a change of the session table';
    if (!this.isCharacterDevice && this.#tells) {
      try {
        const last = known?.number ?? 0n;
        const told = await this.#descriptor.make({ operation }, { signal }, (fd) =>
          requests.tableChange(fd, last, counters),
        );
        return { ...told, digest: null };
      } catch (error) {
        if (!(error instanceof PoolError && NOT_KNOWN.has(error.code))) throw error;
        this.#tells = false;
      }
    }
    const digest = await this.#descriptor.make({ operation }, { signal }, (fd) =>
      watchTableRequest(fd, known?.digest ?? null, { interval, counters }),
    );
    return { number: null, port: null, digest };
  }

  close(): Promise<void> {
    this.#rings.close();
    return this.#descriptor.close();
  }

  /** `await using device = await Device.open()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  ref(): this {
    this.#descriptor.setRef(true);
    return this;
  }

  unref(): this {
    this.#descriptor.setRef(false);
    return this;
  }

  onExit(hook: (device: SyncDevice) => void): () => void {
    const { pool, exit } = this.#workers;
    return exit.onExit((left) => {
      if (!this.#descriptor.isOpen) return;
      const { fd, path } = this.#descriptor;
      const closer = this.#closer;
      hook(
        syncDevice({
          pool,
          path,
          fd,
          close: (session) => closer.request(fd, { ...session, patience: left(MODULE_EXIT_MS) }),
          ...(this.isCharacterDevice ? { turn: closer.turnKey, left: () => left(MODULE_EXIT_MS) } : { left }),
        }),
      );
    });
  }

  #channel(session: number, channel: number, operation: number, options: CallOptions): Promise<Bytes> {
    check.checkSession(session);
    check.checkChannel(channel);
    return this.#descriptor.make({ operation: `use channel ${channel} of session ${session}` }, options, (fd) =>
      requests.channel(fd, { sessionIdx: session, channel, operation }),
    );
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
