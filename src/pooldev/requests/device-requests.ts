/**
 * The eight requests of /dev/pool on a node in user space: results and errno values as the kernel contract, section 2,
 * has them. Calls come in and are answered; how they travel is not known here.
 */
import type { Endpoint } from '../../base/session.js';
import { ipToBytes } from '../../base/ip.js';
import {
  CHANNEL_ENDS,
  CHANNEL_RINGS,
  CHANNEL_TABLE_CHANGE,
  ChannelOperation,
  CLOSE_ABORT,
  END_BYTES,
  MAX_CHANNELS,
  MAX_SESSIONS,
} from '../../poolioc/abi/constants.js';
import {
  POOL_IOC_CHANNEL,
  POOL_IOC_CLOSE_SESS,
  POOL_IOC_CONNECT,
  POOL_IOC_LISTEN,
  POOL_IOC_RECV,
  POOL_IOC_SEND,
  POOL_IOC_SESSIONS,
  POOL_IOC_STOP,
} from '../../poolioc/abi/ioctl.js';
import { SEGMENT_LAYOUT } from '../../poolioc/rings/segment.js';
import type { NodeSession, PoolNode } from '../../poolnode/types.js';
import { RequestMemory } from '../memory/request-memory.js';
import type { ProgramMemories } from '../memory/program-memory.js';
import type { CallerMemory } from '../memory/caller-memory.js';
import { Connecting } from './connecting.js';
import { answer, type DeviceCall } from './device-call.js';
import { Errno } from '../../base/errno.js';
import { Listening } from './listening.js';
import { errnoOf } from './node-errors.js';
import type { ProcState } from '../proc/proc-texts.js';
import { reclaimableSlot } from './reclaim.js';
import { SESSION_RECORD_BYTES } from './session-record.js';
import { DeviceSlot } from './device-slot.js';
import { TableWatch } from './table-watch.js';
import { answerRecv, answerSend } from './transfers.js';

export interface DeviceRequestsOptions {
  node: PoolNode;
  memory: CallerMemory;
  /** Where LISTEN listens; '' is every address. */
  host: string;
  strictModule: boolean;
  /** A caller's memory can't be reached; `errno` says why. */
  memoryRefused?(errno: number): void;
  /** Opens memory that programs hand over; without it none may. */
  programs?: Pick<ProgramMemories, 'open'> | undefined;
}

export class DeviceRequests {
  readonly #memory: RequestMemory;
  readonly #options: DeviceRequestsOptions;
  readonly #slots: DeviceSlot[];
  readonly #listening: Listening;
  readonly #connecting: Connecting;
  readonly #watch: TableWatch;
  #closed = false;
  readonly #receive: (call: DeviceCall, slot: DeviceSlot, memory: RequestMemory) => void;

  constructor(options: DeviceRequestsOptions) {
    const { node, host, strictModule } = options;
    this.#options = options;
    this.#memory = new RequestMemory(options.memory, (errno) => options.memoryRefused?.(errno));
    this.#watch = new TableWatch(() => this.#listening.port);
    const changed = (): void => this.#watch.changed();
    const unclaimed = (): void => this.#watch.unclaimed();
    const told = { changed, unclaimed, consumed: (message: Uint8Array) => node.giveBack(message) };
    this.#slots = Array.from({ length: MAX_SESSIONS }, (_, index) => new DeviceSlot(index, strictModule, told));
    this.#connecting = new Connecting(node, this.#slots, strictModule);
    this.#receive = (call, slot, memory) => answerRecv(call, slot, memory, strictModule);
    this.#listening = new Listening({
      node,
      host,
      strictModule,
      session: (session) => {
        const slot = this.#slots[session.index];
        if (slot === undefined) session.destroy();
        else slot.accepted(session);
      },
      changed,
    });
  }

  /** Asked by the node when its table is full: null, or what gives the slot of an ended session back. */
  reclaimable(): (() => void) | null {
    if (this.#options.strictModule) return null;
    const slot = reclaimableSlot(this.#slots, performance.now());
    return slot && (() => slot.destroy());
  }

  /** What the texts of /proc/pool tell. */
  state(): ProcState {
    const { port, lastPort } = this.#listening;
    return { port: lastPort, listening: port !== 0, rows: this.#slots.flatMap((slot) => slot.row() ?? []) };
  }

  handle(call: DeviceCall): void {
    if (this.#closed) {
      call.fail(Errno.ECONNABORTED);
      return;
    }
    switch (call.command) {
      case POOL_IOC_LISTEN:
        void this.#listening.listen(call.argument.readUInt16LE(0)).then((errno) => answer(call, errno));
        return;
      case POOL_IOC_CONNECT:
        this.#connecting.connect(call);
        return;
      case POOL_IOC_SEND:
        this.#onSlot(call, answerSend);
        return;
      case POOL_IOC_RECV:
        this.#onSlot(call, this.#receive);
        return;
      case POOL_IOC_SESSIONS:
        this.#sessions(call);
        return;
      case POOL_IOC_CLOSE_SESS:
        this.#close(call);
        return;
      case POOL_IOC_STOP:
        void this.#listening.stop().then(
          () => call.succeed(0),
          (error: unknown) => call.fail(errnoOf(error)),
        );
        return;
      case POOL_IOC_CHANNEL:
        this.#channel(call);
        return;
      default:
        call.fail(Errno.ENOTTY);
    }
  }

  /**
   * Answers what waits and what still comes, closes what is open. A call whose copy is under way is answered by its outcome. Never
   * rejects.
   */
  async close(): Promise<void> {
    this.#closed = true;
    this.#connecting.abort();
    this.#watch.abort(Errno.ECONNABORTED);
    for (const slot of this.#slots) slot.abort(Errno.ECONNABORTED);
    await Promise.allSettled([this.#listening.stop(), ...this.#slots.map((slot) => slot.close())]);
  }

  /** Looks at no program's memory any more, and watches none of their sockets. */
  releaseRings(): void {
    for (const slot of this.#slots) slot.releaseRings(Errno.ECONNABORTED);
  }

  #slot(call: DeviceCall): DeviceSlot | null {
    const slot = this.#slots[call.argument.readUInt32LE(0)];
    if (slot === undefined) call.fail(Errno.EINVAL);
    return slot ?? null;
  }

  #onSlot(call: DeviceCall, request: (call: DeviceCall, slot: DeviceSlot, memory: RequestMemory) => void): void {
    const slot = this.#slot(call);
    if (slot !== null) request(call, slot, this.#memory);
  }

  #sessions(call: DeviceCall): void {
    const { argument } = call;
    const capacity = Math.min(argument.readUInt32LE(4), MAX_SESSIONS);
    const used = this.#slots.filter((slot) => slot.inUse).slice(0, capacity);
    argument.writeUInt32LE(used.length, 0);
    argument.writeUInt32LE(capacity, 4);
    if (used.length === 0) {
      call.succeed(0, argument);
      return;
    }
    const records = Buffer.alloc(used.length * SESSION_RECORD_BYTES);
    used.forEach((slot, at) => slot.encode(records.subarray(at * SESSION_RECORD_BYTES)));
    this.#memory.answerWith(call, argument.readBigUInt64LE(8), records);
  }

  #close(call: DeviceCall): void {
    const index = call.argument.readUInt32LE(0);
    const known = index >= CLOSE_ABORT && !this.#options.strictModule;
    const aborted = known ? this.#slots[index - CLOSE_ABORT] : undefined;
    if (aborted !== undefined) {
      aborted.destroy();
      call.succeed(0);
      return;
    }
    const slot = this.#slot(call);
    if (slot === null) return;
    // A peer that does not read holds it up for a while. Signals don't: what was sent before is not given up for them.
    void slot.close().then(() => call.succeed(0));
  }

  #channel(call: DeviceCall): void {
    const { argument } = call;
    if (argument.readUInt8(5) === CHANNEL_TABLE_CHANGE) {
      if (this.#options.strictModule) call.fail(Errno.EINVAL);
      else this.#watch.wait(call);
      return;
    }
    const slot = this.#slot(call);
    if (slot === null) return;
    const { session } = slot;
    const channel = argument.readUInt8(4);
    if (session === null) {
      call.fail(Errno.ENOENT);
      return;
    }
    switch (argument.readUInt8(5)) {
      case ChannelOperation.SUBSCRIBE:
        session.subscribe(channel);
        call.succeed(0, argument);
        return;
      case ChannelOperation.UNSUBSCRIBE:
        session.unsubscribe(channel);
        call.succeed(0, argument);
        return;
      case ChannelOperation.LIST:
        argument.writeUInt32LE(MAX_CHANNELS, 8);
        this.#memory.answerWith(call, argument.readBigUInt64LE(16), session.channels());
        return;
      case CHANNEL_ENDS:
        if (this.#options.strictModule) call.fail(Errno.EINVAL);
        else this.#answerEnds(call, session);
        return;
      case CHANNEL_RINGS:
        if (this.#options.strictModule) call.fail(Errno.EINVAL);
        else answer(call, this.#openRings(call, slot, session));
        return;
      default:
        call.fail(Errno.EINVAL);
    }
  }

  /** @returns 0, or why there are none */
  #openRings({ argument, caller }: DeviceCall, slot: DeviceSlot, session: NodeSession): number {
    const { programs } = this.#options;
    if (argument.readUInt8(4) !== SEGMENT_LAYOUT || programs === undefined) return Errno.EINVAL;
    // The slot may be another session's by now.
    if (!argument.subarray(8, 12).equals(session.id.subarray(0, 4))) return Errno.ENOENT;
    if (slot.isClosing) return Errno.ENOTCONN;
    if (slot.hasRings) return Errno.EBUSY;
    const program = programs.open(caller, argument.readInt32LE(16), argument.readInt32LE(20));
    if (typeof program === 'number') return program;
    try {
      slot.openRings(program);
      return 0;
    } catch {
      program.libc.close(program.socket);
      return Errno.EINVAL;
    }
  }

  #answerEnds(call: DeviceCall, { local, remote }: Record<'local' | 'remote', Endpoint>): void {
    const bytes = Buffer.alloc(2 * END_BYTES);
    for (const [at, { address, port }] of [local, remote].entries()) {
      bytes.set(ipToBytes(address), at * END_BYTES);
      bytes.writeUInt16LE(port, at * END_BYTES + END_BYTES - 2);
    }
    this.#memory.answerWith(call, call.argument.readBigUInt64LE(16), bytes);
  }
}
