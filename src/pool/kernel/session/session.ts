/**
 * One session of the module as the API's BackendSession. Here is decided what ends a session first: the peer, a
 * failed call, silence, its owner. Sending is send-queue, receiving receive-scheduler, liveness module-liveness, how a broken
 * connection ended end-judge, giving the slot back slot-release.
 */
import type { SessionEnd, SessionHandler, SessionStateName } from '../../../base/session.js';
import { PoolError } from '../../../base/errors.js';
import type { Addr } from '../../address/addr.js';
import type { BackendSession } from '../../backend.js';
import { toTelemetry, withJson, type SessionInfo, type Telemetry } from '../../telemetry.js';
import { ChannelPoller } from './channel-poller.js';
import { within, type KernelClock } from '../calls/kernel-clock.js';
import type { KernelDevice } from '../calls/device.js';
import { errnoNameIn, judgeSend, notEstablished } from '../calls/call-errors.js';
import { judgeEnd } from './end-judge.js';
import { Hold, type KeepAlive } from '../calls/keep-alive.js';
import type { LeakedSlots } from '../table/leaked-slots.js';
import { MessagePath } from './message-path.js';
import { ModuleLiveness } from './module-liveness.js';
import type { ReceiveScheduler } from './receive-scheduler.js';
import { SendQueue } from './send-queue.js';
import type { SessionRole } from '../accepting/session-role.js';
import { HANDSHAKE_PACKETS, type SessionRecord } from '../table/table-row.js';
import type { DeviceTable } from '../table/device-table.js';
import type { SessionProbe } from './session-probe.js';
import type { SlotCloser } from './slot-closer.js';
import { BACKGROUND_CLOSE_MS, closedLate, SlotRelease } from './slot-release.js';
import type { Recipient, Slot } from './slot.js';
import { queueMicrotask } from '../../../base/timers.js';

/** Bytes. Kernel contract, hazard 6: longer messages break a session in a slot that was never used before. */
const MAX_MESSAGE = 65511;

/** ms that a last RECV waits for what is still queued on a session that has ended. */
const LAST_RECV_MS = 50;
/** ms in which what is queued on such a session is received at most, of the time in which it takes messages. */
const LAST_WORDS_MS = 5000;
/** ms that CLOSE_SESS has at least, however much of the time the data took. */
const CLOSE_MS = 1000;
/** ms between two looks for the receiver of a session that lives. */
const RECEIVER_LOOK_MS = 200;

/** What SEND says where there is no connection any more. */
const PEER_MAY_HAVE_CLOSED = new Set(['ENOTCONN', 'EPIPE', 'ECONNRESET']);

/** What all sessions of a device share. */
export interface SessionEnvironment {
  device: KernelDevice;
  table: DeviceTable;
  probe: SessionProbe;
  receives: ReceiveScheduler;
  closer: SlotCloser;
  leaks: LeakedSlots;
  clock: KernelClock;
  keepAlive: KeepAlive;
  /** ms; see DEFAULT_PEER_TIMEOUT. */
  peerTimeout: number;
  /** The session owns its slot no more. */
  released(session: KernelSession): void;
}

export interface SessionIdentity {
  slot: Slot;
  id: string;
  role: SessionRole;
  localAddr: Addr;
  remoteAddr: Addr;
}

export class KernelSession implements BackendSession, Recipient {
  readonly index: number;
  readonly id: string;
  readonly role: SessionRole;
  readonly localAddr: Addr;
  readonly remoteAddr: Addr;
  readonly maxMessageSize = MAX_MESSAGE;
  readonly channels = new ChannelPoller();
  readonly #slot: Slot;
  readonly #env: SessionEnvironment;
  readonly #sends: SendQueue;
  readonly #hold: Hold;
  readonly #liveness: ModuleLiveness;
  readonly #release: SlotRelease;
  readonly #path: MessagePath;
  #handler: SessionHandler | null = null;
  #paused = false;
  /** Set when the session is over but for what is still queued. */
  #finishing: SessionEnd | null = null;
  /** ms of LAST_WORDS_MS that are over, and when that was counted. */
  #lastWords = 0;
  #lastWordsAt = 0;
  #end: SessionEnd | null = null;
  #emptyMessages = 0;
  #closing: Promise<void> | null = null;
  #sawClosing = false;
  /** The session's other end was seen in the table: both are on this machine. */
  #pair = false;
  /** A look that is to say how the connection ended is under way. */
  #judging = false;
  /** ms; when the receiver was last looked for and found. */
  #receiverSeen = -Infinity;
  /** The session ends without CLOSE. */
  #abort = false;

  constructor(identity: SessionIdentity, env: SessionEnvironment) {
    this.#slot = identity.slot;
    this.index = identity.slot.index;
    this.id = identity.id;
    this.role = identity.role;
    this.localAddr = identity.localAddr;
    this.remoteAddr = identity.remoteAddr;
    this.#env = env;
    this.#hold = new Hold(env.keepAlive);
    env.device.readyToClose();
    this.#hold.ref();
    this.#liveness = new ModuleLiveness(env.peerTimeout);
    this.#path = new MessagePath({ ...env, slot: identity.slot, session: this });
    this.#sends = new SendQueue({
      // Hazard 11: no signal and no timeout, a SEND ends by itself or never.
      open: (options) => this.#path.send(options),
      judge: judgeSend,
      drain: () => this.#handler?.drain(),
      failed: (error) => this.#sendFailed(error),
    });
    this.#release = new SlotRelease({
      ...env,
      session: this,
      slot: this.#slot,
      sends: this.#sends,
      released: () => {
        this.#path.close();
        env.released(this);
      },
    });
  }

  get wants(): boolean {
    return this.#handler !== null && !this.#paused && this.#end === null;
  }

  /** Whether a SEND is inside the device. */
  get sending(): boolean {
    return this.#sends.sending;
  }

  /** Whether CLOSE_SESS was made and has not returned in its time. */
  get closeStuck(): boolean {
    return this.#release.stuck;
  }

  /** Whether its other end is on this machine, too, or was. */
  get pair(): boolean {
    return this.#pair;
  }

  get patience(): number | undefined {
    return this.#finishing === null ? undefined : LAST_RECV_MS;
  }

  /** Hazard 3: a dial that fails at its last packet is tried again, and leaves a session at this end that dies. */
  stillborn(): boolean {
    const record = this.#env.table.latest.at(this.index, this.id);
    if (this.#handler !== null || record === undefined || record.packetsRecv > HANDSHAKE_PACKETS) return false;
    return this.#end !== null || this.#finishing !== null || this.#env.probe.receiverGone(this.index);
  }

  start(handler: SessionHandler): void {
    if (this.#handler !== null) throw new TypeError('a session is started once');
    this.#handler = handler;
    if (this.#end !== null) {
      const end = this.#end;
      queueMicrotask(() => handler.end(end));
      return;
    }
    void this.#path.start();
  }

  send(channel: number, data: Uint8Array, done: (error?: PoolError) => void): boolean {
    // Hazard 6. The API splits or refuses; this is the last line.
    if (data.byteLength > MAX_MESSAGE || data.byteLength === 0) {
      const reason = `a message has 1 to ${MAX_MESSAGE} bytes on the kernel device, not ${data.byteLength}`;
      queueMicrotask(() => done(new PoolError('ERR_POOL_MESSAGE_TOO_LARGE', reason)));
      return true;
    }
    return this.#sends.push(channel, data, done);
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.wants) this.#path.ready();
  }

  /** The module's own number stays as it is: it is always 0 (kernel contract, section 3). */
  setQueueDepth(): void {}

  async subscribe(channel: number): Promise<void> {
    if (this.#end !== null) throw errorAfter(this.#end);
    this.channels.open(channel);
    // A RECV 0 that waits would take this channel's next message for channel 0's.
    if (this.#slot.recipient === this && this.#slot.call?.channel === 0) await this.#slot.cancel();
    await this.#channelCall(this.#env.device.channelSubscribe(this.index, channel));
  }

  /** The receiver goes on asking for the channel, so that what arrives for it is known as what it is. */
  async unsubscribe(channel: number): Promise<void> {
    if (this.#end !== null) return;
    await this.#channelCall(this.#env.device.channelUnsubscribe(this.index, channel));
  }

  close({ timeout }: { timeout: number }): Promise<void> {
    this.#closing ??= this.#env.keepAlive.during(this.#close(timeout));
    return this.#closing;
  }

  /**
   * The module has no way to end a session without a CLOSE: there the peer sees one, but what waits to be sent is not sent.
   */
  destroy(error?: PoolError): void {
    if (this.#end !== null) return;
    this.#abort = !this.#env.probe.module;
    this.#finish(error === undefined ? { by: 'local' } : { by: 'error', error });
  }

  async telemetry(): Promise<Telemetry> {
    return toTelemetry((await this.#record()).telemetry);
  }

  async info(): Promise<SessionInfo> {
    const record = await this.#record();
    return withJson({
      index: this.index,
      localAddr: this.localAddr,
      peerAddr: this.remoteAddr,
      state: record.state,
      sessionId: this.id,
      bytesSent: record.bytesSent,
      bytesRecv: record.bytesRecv,
      packetsSent: record.packetsSent,
      packetsRecv: record.packetsRecv,
      packetsSinceRekey: record.packetsSinceRekey,
      emptyMessages: this.#emptyMessages,
      telemetry: toTelemetry(record.telemetry),
    });
  }

  async state(): Promise<SessionStateName> {
    return (await this.#record()).state;
  }

  ref(): void {
    this.#hold.ref();
  }

  unref(): void {
    this.#hold.unref();
  }

  // What the slot's receiver reports.

  // Hazard 14: all that comes is taken, until the owner says that its queue is full.
  message(channel: number, data: Uint8Array): void {
    if (this.#end !== null) return;
    // Kernel contract, section 2: a message without bytes is neither an end nor anything to deliver.
    if (data.byteLength === 0) this.#emptyMessages += 1;
    else if (this.#handler?.message(channel, data) === false) this.#paused = true;
  }

  quiet(): void {
    if (this.#finishing !== null) this.#finish(this.#finishing);
  }

  failed(cause: unknown): void {
    const name = errnoNameIn(cause);
    if (this.#finishing !== null) return this.#finish(this.#finishing);
    // A served device tells a lost peer so, and shows CLOSING for any end; the module's RECV knows no EPIPE.
    if (name === 'EPIPE') return this.#finish(lost('the connection to the peer broke', cause));
    // The errno alone doesn't say why: the table does, or that there is no table any more.
    this.#paused = true;
    this.#env.table.refresh().then(
      (snapshot) => {
        const record = snapshot.at(this.index, this.id);
        if (record?.state === 'CLOSING') this.#finish({ by: 'remote' });
        else if (record === undefined) this.#finish({ by: 'error', error: notEstablished(this.index) });
        else this.#finish(lost(`RECV failed with ${name === '' ? String(cause) : name}`, cause));
      },
      (error: PoolError) => this.#finish({ by: 'error', error }),
    );
  }

  /** A look at the table. `pair`: it shows the session's other end, too. */
  look(record: SessionRecord | undefined, pair = false): void {
    this.#pair ||= pair;
    if (this.#end !== null) return;
    if (record === undefined || record.id !== this.id) {
      return this.#finish(this.#finishing ?? { by: 'error', error: notEstablished(this.index) });
    }
    if (this.#finishing !== null) {
      const now = this.#env.clock.now();
      if (this.wants) this.#lastWords += now - this.#lastWordsAt;
      this.#lastWordsAt = now;
      // A peer that goes on sending doesn't keep a session that can't answer.
      if (this.#lastWords >= LAST_WORDS_MS) this.#finish(this.#finishing);
      return;
    }
    if (record.state === 'CLOSING') return this.#peerClosed();
    // Hazard 5: the connection died, and only the missing thread says so.
    if (this.#receiverGone()) {
      return this.#judge(lost('the connection to the peer broke: its receiver thread has ended'));
    }
    const idle = !this.#env.probe.module && this.#paused;
    if (this.#liveness.look(record.packetsRecv, this.#env.clock.now(), idle)) {
      const seconds = Math.round(this.#liveness.silence / 1000);
      this.#finishAfterQueued(lost(`nothing came from the peer for ${seconds} s, not even a heartbeat`));
    }
  }

  /** Looks may come with every packet of any session, and each of these costs a read of /proc. */
  #receiverGone(): boolean {
    const now = this.#env.clock.now();
    if (now - this.#receiverSeen < RECEIVER_LOOK_MS) return false;
    if (this.#env.probe.receiverGone(this.index)) return true;
    this.#receiverSeen = now;
    return false;
  }

  /** The device is gone, and with it the slot. */
  lost(error: PoolError): void {
    this.#finish({ by: 'error', error });
  }

  /** What the peer sent before comes first, and where it has closed, the receiver finds the end. */
  #sendFailed(error: PoolError): void {
    const end: SessionEnd = { by: 'error', error };
    if (PEER_MAY_HAVE_CLOSED.has(errnoNameIn(error.cause))) this.#judge(end);
    else this.#finishAfterQueued(end);
  }

  #peerClosed(): void {
    if (this.#sawClosing) return;
    this.#sawClosing = true;
    // A RECV that waits learns of it only when its 5 s are over; the next one gives what is queued, then ECONNRESET.
    if (this.#handler !== null) this.#path.nudge();
  }

  /** The connection is over; `otherwise`, unless the peer closed in a regular way. */
  #judge(otherwise: SessionEnd): void {
    if (this.#judging) return;
    this.#judging = true;
    judgeEnd(this, this.#env, {
      settled: () => this.#end !== null || this.#finishing !== null,
      peerClosed: () => this.#peerClosed(),
      // What is queued can still be received.
      broke: () => this.#finishAfterQueued(otherwise),
    });
  }

  #finishAfterQueued(end: SessionEnd): void {
    if (this.#finishing !== null) return;
    this.#finishing = end;
    this.#lastWordsAt = this.#env.clock.now();
    if (end.error !== undefined) this.#sends.stop(end.error);
    if (this.#handler !== null) this.#path.nudge();
  }

  /** The end, once: what waits to be sent fails, the owner is told, and the slot is given back in the background. */
  #finish(end: SessionEnd): void {
    if (this.#end !== null) return;
    this.#end = end;
    this.#sends.stop(errorAfter(end));
    this.#hold.end();
    queueMicrotask(() => this.#handler?.end(end));
    void this.#release.begin(BACKGROUND_CLOSE_MS, this.#abort);
  }

  async #close(timeout: number): Promise<void> {
    if (this.#end !== null) return;
    const { clock } = this.#env;
    const deadline = clock.now() + timeout;
    if (await within(clock, timeout, this.#sends.idle(), 'late')) {
      const error = new PoolError('ERR_POOL_TIMEOUT', `the peer did not take the data within ${timeout} ms`);
      this.destroy(error);
      throw error;
    }
    if (this.#end !== null) return;
    this.#end = { by: 'local' };
    this.#sends.stop(errorAfter(this.#end));
    const patience = Math.max(CLOSE_MS, deadline - clock.now());
    const outcome = await this.#release.begin(patience, this.#abort);
    this.#hold.end();
    const late = closedLate(this.index, outcome, patience);
    this.#end = late === null ? { by: 'local' } : { by: 'error', error: late };
    this.#handler?.end(this.#end);
    if (late !== null) throw late;
  }

  async #record(): Promise<SessionRecord> {
    const { table, keepAlive } = this.#env;
    const record = (await keepAlive.during(table.refresh())).at(this.index, this.id);
    if (record === undefined) throw notEstablished(this.index);
    return record;
  }

  async #channelCall(call: Promise<void>): Promise<void> {
    try {
      await this.#env.keepAlive.during(call);
    } catch (cause) {
      if (errnoNameIn(cause) === 'ENOENT') throw notEstablished(this.index);
      throw cause;
    }
  }
}

/** What calls on a session that has ended reject with, and what was waiting to be sent. */
function errorAfter({ by, error }: SessionEnd): PoolError {
  if (error !== undefined) return error;
  return by === 'remote'
    ? new PoolError('ERR_POOL_NOT_ESTABLISHED', 'the session was closed by the peer')
    : new PoolError('ERR_POOL_CLOSED', 'the session was closed');
}

function lost(reason: string, cause?: unknown): SessionEnd {
  return { by: 'error', error: new PoolError('ERR_POOL_PEER_LOST', reason, { cause }) };
}
