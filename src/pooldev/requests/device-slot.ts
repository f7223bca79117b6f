/**
 * One slot of the session table as programs see it: it is taken until CLOSE_SESS, whoever dialled or accepted its session
 * and however that ended (kernel contract, section 2).
 */
import type { SessionEnd, SessionStateName } from '../../base/session.js';
import { ipToBytes } from '../../base/ip.js';
import type { NodeSession } from '../../poolnode/types.js';
import { AF_INET6 } from '../../poolioc/abi/constants.js';
import { PoolError } from '../../base/errors.js';
import { Errno } from '../../base/errno.js';
import type { SlotRow } from '../proc/proc-texts.js';
import { ReceiveQueue } from './receive-queue.js';
import { type ProgramMemory, SlotRings } from './slot-rings.js';
import { PendingSends } from './pending-sends.js';
import { encodeSessionRecord, type ShownPeer, UNKNOWN_PEER } from './session-record.js';

/** Bytes; on a slot that was never used the module's length field overflows above this (hazard 6). */
const LONGEST_ON_FRESH_SLOT = 65511;

/** ms that CLOSE_SESS waits for a peer that does not read what was sent before. */
const CLOSE_TIMEOUT = 5000;

/** Who is told of what happens in a slot. */
export interface SlotWatch {
  /** The table shows something else of the slot than before. */
  changed: () => void;
  /** A message came that no RECV waits for. */
  unclaimed: () => void;
  /** A program has a message, and nobody reads its memory any more. */
  consumed: (message: Uint8Array) => void;
}

export class DeviceSlot {
  readonly index: number;
  readonly received: ReceiveQueue;
  readonly sends: PendingSends;
  readonly #strict: boolean;
  readonly #changed: () => void;
  #session: NodeSession | null = null;
  #end: SessionEnd | null = null;
  #endedAt: number | null = null;
  #closing: Promise<void> | null = null;
  #peer = UNKNOWN_PEER;
  /** What the slot last dialled: the module shows it for accepted sessions too. */
  #lastDialled = UNKNOWN_PEER;
  #sessionsBefore = 0;
  #rings: SlotRings | null = null;

  constructor(index: number, strictModule: boolean, { changed, unclaimed, consumed }: SlotWatch) {
    this.index = index;
    this.#strict = strictModule;
    this.#changed = changed;
    this.received = new ReceiveQueue({
      strictModule,
      roomAgain: () => this.#session?.resume(),
      depthChanged: (messages) => this.#session?.setQueueDepth(messages),
      unclaimed,
      consumed,
    });
    this.sends = new PendingSends({
      strictModule,
      verdict: () => this.#sendVerdict(),
      send: (channel, bytes, done) => this.#send(channel, bytes, done),
    });
  }

  get inUse(): boolean {
    return this.#session !== null;
  }

  get session(): NodeSession | null {
    return this.#session;
  }

  /** When the session ended by itself, by `performance.now`; null while it lives, while CLOSE_SESS runs, and without one. */
  get endedAt(): number | null {
    return this.#closing === null ? this.#endedAt : null;
  }

  /** Whether a call waits for something of the session. */
  get isBusy(): boolean {
    return this.received.isBusy || this.sends.isBusy;
  }

  get isClosing(): boolean {
    return this.#closing !== null;
  }

  /** A session that this device dialled: it shows the address and port that were dialled. */
  dialled(session: NodeSession, peer: ShownPeer): void {
    this.#lastDialled = peer;
    this.#open(session, peer);
  }

  /** An accepted one shows its peer's address with port 0, which is what tells it from a dialled one. */
  accepted(session: NodeSession): void {
    const address = ipToBytes(session.remote.address);
    this.#open(session, this.#strict ? this.#lastDialled : { address, port: 0, family: AF_INET6 });
  }

  /** CLOSE_SESS: sends CLOSE and gives the slot back. Never rejects. */
  close(): Promise<void> {
    const session = this.#session;
    if (session === null) return Promise.resolve();
    this.#rings?.takeRest(Errno.ENOTCONN);
    return (this.#closing ??= this.#close(session));
  }

  async #close(session: NodeSession): Promise<void> {
    // One turn later, so that `isClosing` holds before the session tells of its end.
    await Promise.resolve();
    if (this.#session !== session) return;
    this.#changed();
    this.sends.end(Errno.ENOTCONN);
    this.received.clear(Errno.ENOTCONN);
    await session.close({ timeout: CLOSE_TIMEOUT }).catch(() => session.destroy());
    this.#free(session);
  }

  /** Whether a program has rings for the session. */
  get hasRings(): boolean {
    return this.#rings !== null;
  }

  /** What a program sends and receives through its memory from now on. @throws where its socket can't be watched */
  openRings(program: ProgramMemory): void {
    const released = (): void => void (this.#rings = null);
    this.#rings = new SlotRings({ program, sends: this.sends, received: this.received, released });
    this.#rings.begin();
  }

  /** Programs go on with SEND and RECV, which give `errno`. */
  releaseRings(errno: number): void {
    this.#rings?.release(errno);
  }

  /** Gives the slot back at once: nothing more is sent, and nothing more is read. */
  destroy(): void {
    const session = this.#session;
    if (session === null) return;
    session.destroy();
    this.#free(session);
  }

  /** Answers every waiting call: the device is going away, and closes its sessions. */
  abort(errno: number): void {
    this.#rings?.takeRest(errno);
    this.received.abort(errno);
    this.sends.end(errno);
    this.releaseRings(errno);
  }

  encode(into: Buffer): void {
    const row = this.row();
    if (row !== null) encodeSessionRecord(into, row.info, row.state, row.peer);
  }

  row(): SlotRow | null {
    const session = this.#session;
    return session && { info: session.info(), state: this.#state(session), peer: this.#peer };
  }

  #state(session: NodeSession): SessionStateName {
    return this.#closing === null && this.#end === null ? session.state : 'CLOSING';
  }

  #open(session: NodeSession, peer: ShownPeer): void {
    this.#session = session;
    this.#peer = peer;
    session.start({
      message: (channel, data) => this.received.push(channel, data),
      drain: () => this.sends.drain(),
      end: (end) => this.#ended(session, end),
    });
    this.#changed();
  }

  #ended(session: NodeSession, end: SessionEnd): void {
    if (this.#session !== session || this.#closing !== null) return;
    this.#end = end;
    this.#endedAt = performance.now();
    // A peer that said CLOSE gives ECONNRESET and ENOTCONN, one that was lost EPIPE: so a program can tell them apart.
    this.received.end(end.by === 'error' ? Errno.EPIPE : Errno.ECONNRESET, end.by === 'remote');
    this.sends.end(this.#sendVerdict());
    this.#changed();
  }

  #sendVerdict(): number {
    if (this.#session === null || this.#closing !== null) return Errno.ENOTCONN;
    if (this.#end === null) return 0;
    return this.#end.by === 'error' ? Errno.EPIPE : Errno.ENOTCONN;
  }

  #send(channel: number, bytes: Uint8Array, done: (error?: Error) => void): boolean {
    const session = this.#session;
    if (session === null) return false;
    if (this.#strict && this.#sessionsBefore === 0 && bytes.length > LONGEST_ON_FRESH_SLOT) {
      // The module reports success for a packet that its peer can't parse; what follows is lost with the session.
      done();
      session.destroy(new PoolError('ERR_POOL_PROTOCOL', `a message of ${bytes.length} bytes broke the session`));
      return true;
    }
    return session.send(channel, bytes, done);
  }

  #free(session: NodeSession): void {
    if (this.#session !== session) return;
    this.#session = null;
    this.#end = null;
    this.#endedAt = null;
    this.#closing = null;
    this.#sessionsBefore++;
    session.release();
    this.sends.end(Errno.ENOTCONN);
    this.received.clear(Errno.ENOTCONN);
    this.releaseRings(Errno.ENOTCONN);
    this.#changed();
  }
}
