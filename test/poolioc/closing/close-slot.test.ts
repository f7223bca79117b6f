/**
 * CLOSE_SESS on a module in memory that crashes as the real one does. Between any two of the closing's own system calls the
 * rest of the machine goes on: peers close, other programs close by the same rules, and others without any.
 */
import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { CallMemory } from '../../../src/poolioc/threads/call-memory.js';
import {
  closeSlot,
  giveUpTurn,
  type CloseSlotRequest,
  type ThreadClock,
} from '../../../src/poolioc/closing/close-slot.js';
import { SessionState } from '../../../src/poolioc/abi/constants.js';
import { POOL_IOC_CLOSE_SESS, POOL_IOC_SESSIONS } from '../../../src/poolioc/abi/ioctl.js';
import { F_UNLCK, LOCK_UN, type CallResult, type Libc } from '../../../src/poolioc/libc.js';
import { offsetsOf, structs } from '../../../src/poolioc/abi/structs.js';
import { seeded } from '../../poolnode/protocol/seeded.js';

const { EAGAIN, EBUSY, ENOENT, ENOLCK, ENOMEM, ESRCH } = constants.errno;
const OK: CallResult = { ret: 0, errno: 0 };
const row = offsetsOf(structs.SessionInfo);

interface Session {
  index: number;
  id: number;
  state: number;
  /** Its receiver thread lives. */
  receives: boolean;
  /** What has arrived for it: CLOSE, or the end of its connection. */
  arrived: 'CLOSE' | 'end' | null;
}

/** One machine: the module's table, and the locks on its device file. */
class Machine {
  readonly sessions = new Map<number, Session>();
  crashes = 0;
  closed = 0;
  holder: number | null = null;
  readonly bytes = new Map<number, number>();
  /** What the rest of the machine does before each system call. */
  meanwhile: (call: string) => void = () => {};

  add(index: number, id: number, session: Partial<Session> = {}): Session {
    const made = { index, id, state: SessionState.ESTABLISHED, receives: true, arrived: null, ...session };
    this.sessions.set(index, made);
    return made;
  }

  pair(a: number, b: number, id: number): void {
    this.add(a, id);
    this.add(b, id);
  }

  /** A receiver thread has its turn on the processor. */
  receive(session: Session): void {
    if (session.arrived === null || !session.receives) return;
    if (session.arrived === 'CLOSE') session.state = SessionState.CLOSING;
    session.receives = false;
  }

  /** CLOSE_SESS itself. */
  close(index: number): void {
    const session = this.sessions.get(index);
    if (session === undefined) return;
    if (!session.receives) this.crashes += 1;
    this.sessions.delete(index);
    this.closed += 1;
    for (const other of this.sessions.values()) if (other.id === session.id) other.arrived = 'CLOSE';
  }

  /** The libc of one process of the machine. */
  libc(pid: number): Libc {
    const call = <T>(name: string, make: () => T): T => {
      this.meanwhile(name);
      return make();
    };
    return {
      address: () => 0n,
      flock: (_fd: number, operation: number) =>
        call('flock', () => {
          if (operation === LOCK_UN) {
            if (this.holder === pid) this.holder = null;
            return OK;
          }
          if (this.holder !== null && this.holder !== pid) return { ret: -1, errno: EAGAIN };
          this.holder = pid;
          return OK;
        }),
      lockByte: (_fd: number, type: number, at: number) =>
        call('lockByte', () => {
          const owner = this.bytes.get(at);
          if (owner !== undefined && owner !== pid) return { ret: -1, errno: EAGAIN };
          if (type === F_UNLCK) this.bytes.delete(at);
          else this.bytes.set(at, pid);
          return OK;
        }),
      processStat: (thread: number) => {
        this.meanwhile('stat');
        const session = this.sessions.get(thread - 100);
        return session?.receives === true ? `${thread} (pool_rx_${session.index}) S 2 0 0` : null;
      },
      ioctl: (_fd: number, request: number, argument: Uint8Array) => {
        // What lies between the look and CLOSE_SESS can't be seen by anybody.
        if (request !== POOL_IOC_CLOSE_SESS) this.meanwhile('ioctl');
        if (request === POOL_IOC_SESSIONS) this.#list(argument);
        if (request === POOL_IOC_CLOSE_SESS) this.close(Buffer.from(argument).readUInt32LE());
        return OK;
      },
    } as unknown as Libc;
  }

  #list(struct: Uint8Array): void {
    const { buffer, byteOffset } = struct;
    Buffer.from(buffer, byteOffset, 4).writeUInt32LE(this.sessions.size);
    const table = Buffer.from(buffer, byteOffset + 64);
    [...this.sessions.values()]
      .sort((a, b) => a.index - b.index)
      .forEach(({ index, id, state }, n) => {
        const at = n * structs.SessionInfo.size;
        table.fill(0, at, at + structs.SessionInfo.size);
        table.writeUInt32LE(index, at + row.index);
        table.writeUInt8(state, at + row.state);
        table.fill(id, at + row.sessionId, at + row.sessionId + 16);
      });
  }
}

function order(index: number, more: Partial<CloseSlotRequest> = {}): CloseSlotRequest {
  return {
    kind: 'close-slot',
    fd: 7,
    index,
    session: null,
    thread: { pid: 100 + index, name: `pool_rx_${index}` },
    pair: false,
    closed: [],
    closing: [],
    patience: 1000,
    ...more,
  };
}

/** Each pause takes as long as it says. */
function clock(): ThreadClock {
  let now = 0;
  return { now: () => now, pause: (ms) => void (now += ms) };
}

const RUN = { stopped: () => false, called() {} };
const idOf = (id: number): string => Buffer.alloc(16, id).toString('hex');
const close = (machine: Machine, pid: number, index: number, more?: Partial<CloseSlotRequest>): CallResult =>
  closeSlot(order(index, more), new CallMemory(), machine.libc(pid), RUN, clock());

describe('a slot of the module', () => {
  it('is closed, and the turn with it is over', () => {
    const machine = new Machine();
    machine.add(3, 9);
    const memory = new CallMemory();
    expect(closeSlot(order(3, { session: idOf(9) }), memory, machine.libc(1), RUN, clock())).toEqual(OK);
    expect(memory.data.toString('hex', 0, 16)).toBe(idOf(9));
    expect([machine.closed, machine.crashes, machine.holder, machine.bytes.size]).toEqual([1, 0, null, 0]);
  });

  it.each([
    ['that has another session by now', { session: idOf(8) }, {}, ENOENT],
    ['whose peer has closed', {}, { state: SessionState.CLOSING }, ESRCH],
    ['whose receiver thread has ended', {}, { receives: false }, ESRCH],
    ['whose other end was closed by another program', { pair: true }, {}, ESRCH],
    ['whose other end was closed by this process', { closed: [idOf(9)] }, {}, ESRCH],
  ])('%s is left alone', (_, more, session, errno) => {
    const machine = new Machine();
    machine.add(3, 9, session);
    expect(close(machine, 1, 3, more)).toEqual({ ret: -1, errno });
    expect([machine.closed, machine.holder, machine.bytes.size]).toEqual([0, null, 0]);
  });

  it.each([
    ['this process', (machine: Machine) => close(machine, 1, 3, { closing: [4] })],
    ['another one', (machine: Machine) => (machine.bytes.set(4, 2), close(machine, 1, 3))],
  ])('is left alone while %s is in a CLOSE_SESS of its other end that hangs', (_, closing) => {
    const machine = new Machine();
    machine.pair(3, 4, 9);
    expect(closing(machine)).toEqual({ ret: -1, errno: ESRCH });
    expect([machine.closed, machine.holder]).toEqual([0, null]);
  });

  // It is tried again: neither says that closing it would not be safe.
  it.each<[string, (libc: Libc) => Partial<Libc>]>([
    ['the table can’t be read', () => ({ ioctl: () => ({ ret: -1, errno: ENOMEM }) })],
    ['a lock can’t be had for want of memory', () => ({ lockByte: () => ({ ret: -1, errno: ENOLCK }) })],
    [
      'its receiver thread can’t be looked for',
      () => ({
        processStat: () => {
          throw new Error('EMFILE');
        },
      }),
    ],
  ])('is left alone for now where %s', (_, broken) => {
    const machine = new Machine();
    machine.add(3, 9);
    const libc = machine.libc(1);
    const result = closeSlot(order(3), new CallMemory(), { ...libc, ...broken(libc) }, RUN, clock());
    expect(result).toEqual({ ret: -1, errno: EAGAIN });
    expect([machine.closed, machine.holder, machine.bytes.size]).toEqual([0, null, 0]);
  });

  it('is looked for at the very last moment', () => {
    const machine = new Machine();
    const session = machine.add(3, 9);
    session.arrived = 'end';
    machine.meanwhile = (call) => call === 'stat' && machine.receive(session);
    expect(close(machine, 1, 3)).toEqual({ ret: -1, errno: ESRCH });
    expect(machine.crashes).toBe(0);
  });

  it('waits for its turn, but not for ever', () => {
    const machine = new Machine();
    machine.add(3, 9);
    machine.holder = 2;
    expect(close(machine, 1, 3, { patience: 20 })).toEqual({ ret: -1, errno: EBUSY });
    let looks = 0;
    machine.meanwhile = () => {
      looks += 1;
      if (looks === 5) machine.holder = null;
    };
    expect(close(machine, 1, 3)).toEqual(OK);
  });

  it('waits no longer when it is taken back, nor is closed then', () => {
    const machine = new Machine();
    machine.add(3, 9);
    machine.holder = 2;
    let stopped = false;
    let tries = 0;
    machine.meanwhile = () => {
      tries += 1;
      stopped = tries === 3;
    };
    const run = { ...RUN, stopped: () => stopped };
    expect(closeSlot(order(3), new CallMemory(), machine.libc(1), run, clock())).toEqual({ ret: -1, errno: EBUSY });
    expect([tries, machine.closed]).toEqual([3, 0]);
  });

  it('keeps the turn until the other end is seen to have ended', () => {
    const machine = new Machine();
    machine.pair(3, 4, 9);
    let looks = 0;
    machine.meanwhile = (call) => {
      if (machine.closed === 0 || call !== 'ioctl') return;
      looks += 1;
      expect([machine.holder, machine.bytes.get(4)]).toEqual([1, 1]);
      if (looks === 3) machine.receive(machine.sessions.get(4)!);
    };
    expect(close(machine, 1, 3)).toEqual(OK);
    expect(looks).toBeGreaterThanOrEqual(3);
    expect(machine.holder).toBeNull();
  });

  it('gives up the turn once, and not one that another thread has by then', () => {
    const machine = new Machine();
    const memory = new CallMemory();
    const libc = machine.libc(1);
    machine.holder = 1;
    Atomics.store(memory.words, 7, 1);
    giveUpTurn(memory, libc, 7);
    machine.holder = 1;
    giveUpTurn(memory, libc, 7);
    expect(machine.holder).toBe(1);
  });
});

describe('a machine on which programs close as they like', () => {
  it('never crashes', () => {
    const draw = seeded('closing');
    const random = (): number => draw.int(2 ** 30) / 2 ** 30;
    for (let round = 0; round < 300; round += 1) {
      const machine = new Machine();
      const pairs = 1 + Math.floor(random() * 6);
      for (let at = 0; at < pairs; at += 1) machine.pair(2 * at, 2 * at + 1, at + 1);
      for (let at = 20; at < 24; at += 1) machine.add(at, at);
      // A process knows which of its sessions have both ends here: the table showed it while they were open.
      const known = new Set([...machine.sessions.values()].filter(({ index }) => index < 20).map(({ id }) => id));
      let depth = 0;
      machine.meanwhile = () => {
        const all = [...machine.sessions.values()];
        const one = all[Math.floor(random() * all.length)];
        if (one === undefined) return;
        const chance = random();
        if (chance < 0.3) machine.receive(one);
        else if (chance < 0.35) one.arrived ??= random() < 0.5 ? 'CLOSE' : 'end';
        // A program in C that knows no lock, but looks at the thread right before.
        else if (chance < 0.38 && one.receives && one.arrived === null) machine.close(one.index);
        else if (chance < 0.45 && depth === 0) {
          depth += 1;
          close(machine, 2, one.index, { patience: 0, pair: known.has(one.id) });
          depth -= 1;
        }
      };
      for (const index of [...machine.sessions.keys()].sort(() => random() - 0.5)) {
        const session = machine.sessions.get(index);
        if (session !== undefined) close(machine, 1, index, { patience: 0, pair: known.has(session.id) });
      }
      expect([round, machine.crashes, machine.holder, machine.bytes.size]).toEqual([round, 0, null, 0]);
    }
  });
});
