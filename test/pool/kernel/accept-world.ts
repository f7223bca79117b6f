/**
 * A machine with the module on it, as far as accepting sessions depends on it: the table, the receiver threads, the
 * connections of /proc/net/tcp, and the dials, handshakes, deaths and closes that change them, each step at its own time.
 * What kernel contract, section 3, says of the order of the steps is what happens here; everything else is chance.
 */
import { Addr } from '../../../src/pool/address/addr.js';
import { toMapped } from '../../../src/pool/kernel/calls/mapped-address.js';
import { keyOf, type SessionRecord } from '../../../src/pool/kernel/table/table-row.js';
import type { SessionRole } from '../../../src/pool/kernel/accepting/session-role.js';
import type { TcpConnection, TcpEnd, TcpTable } from '../../../src/pool/kernel/table/tcp-table.js';
import type { Seeded } from '../../poolnode/protocol/seeded.js';

export const PORT = 9253;
const HERE = '10.0.0.2';
const INIT = 144;
const CHALLENGE = 178;
const ACK = 80;
const RESPONSE_SENT = 160;
const RESPONSE_RECEIVED = 144;

interface Connection extends TcpConnection {
  /** Still ESTABLISHED. */
  open: boolean;
  /** The last read of /proc/net/tcp missed it. */
  missed: boolean;
}

/** A session, with what nobody can see from outside. */
export interface Session {
  key: string;
  role: SessionRole;
  /** Whose dial it is: this process's, or another program's. */
  by: 'us' | 'other';
  /** The peer of an accepted one. */
  peer: TcpEnd | null;
  /** When its thread began to run. */
  lives: number | null;
  ended: number | null;
  /** Its row was in the table when `ended` came: it was not closed on this side. */
  left: boolean;
}

interface Slot {
  index: number;
  active: boolean;
  state: SessionRecord['state'];
  id: string;
  shows: TcpEnd;
  packetsRecv: number;
  bytesRecv: number;
  packetsSent: number;
  bytesSent: number;
  uptime: bigint;
  thread: boolean;
  connection: Connection | null;
  session: Session | null;
}

interface Pending {
  connection: Connection;
  /** What the client does when it is accepted. */
  client: Client;
}

/** The far end of an accepted session: elsewhere, or a slot of this machine. */
interface Client {
  /** Answers the CHALLENGE. */
  challenged(id: string, answer: (ok: boolean) => void): void;
  /** Has the ACK. False: it failed at that (hazard 3), and ends. */
  acknowledged(): boolean;
  /** A user-space client that says nothing of itself before its first heartbeat. */
  silent: boolean;
}

/** Few slots and few peers, so that slots are reused and what they show is mistaken for something. */
export interface WorldOptions {
  random: Seeded;
  slots: number;
  /** Slots that have dialled before anybody listened. */
  stale: boolean;
}

export class World {
  now = 0;
  /** All that there ever were, by key. */
  readonly sessions = new Map<string, Session>();
  /** Whom this process's CONNECT dials, until its session is entered. */
  dialling: TcpEnd[] = [];
  readonly #random: Seeded;
  readonly #slots: Slot[];
  readonly #own = new Set<string>();
  readonly #peers: TcpEnd[];
  #events: { at: number; run: () => void }[] = [];
  #connections: Connection[] = [];
  #queue: Pending[] = [];
  #accepting = false;
  #nextPort = 40_000;
  #nextInode = 1;
  #nextId = 1;

  constructor({ random, slots, stale }: WorldOptions) {
    this.#random = random;
    this.#peers = [
      { address: '10.0.0.5', port: PORT },
      { address: '10.0.0.6', port: PORT },
      { address: HERE, port: PORT },
    ];
    this.#slots = Array.from({ length: slots }, (_, index) => ({
      index,
      active: false,
      state: 'IDLE',
      id: '0'.repeat(32),
      shows: stale && random.int(2) === 0 ? this.#pick(this.#peers) : { address: '::', port: 0 },
      packetsRecv: 0,
      bytesRecv: 0,
      packetsSent: 0,
      bytesSent: 0,
      uptime: 0n,
      thread: false,
      connection: null,
      session: null,
    }));
  }

  // What can be seen.

  /** SESSIONS. */
  table(): SessionRecord[] {
    return this.#slots.filter(({ active }) => active).map(recordOf);
  }

  hasThread(index: number): boolean {
    return this.#slots[index]!.thread;
  }

  /** A read of /proc/net/tcp, which misses a connection now and then, but not twice in a row. */
  tcp(misses: boolean): TcpTable {
    const established = this.#connections.filter((one) => {
      one.missed = misses && !one.missed && this.#random.int(100) === 0;
      return one.open && !one.missed;
    });
    // Copies: a look is what it was.
    return {
      listening: new Set([PORT]),
      established: established.map(({ local, remote, inode, queued }) => ({ local, remote, inode, queued })),
    };
  }

  own(record: SessionRecord): SessionRole | null {
    return this.#own.has(keyOf(record)) ? 'dialled' : null;
  }

  // What happens.

  advance(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      const next = this.#events.reduce<{ at: number; run: () => void } | null>(
        (first, one) => (one.at <= until && one.at < (first?.at ?? Infinity) ? one : first),
        null,
      );
      if (next === null) break;
      this.#events = this.#events.filter((one) => one !== next);
      this.now = Math.max(this.now, next.at);
      next.run();
    }
    this.now = until;
  }

  /** Something that somebody does. */
  act(): void {
    switch (this.#random.int(10)) {
      case 0:
      case 1:
      case 2:
        return this.#clientDials();
      case 3:
        return this.#dial('us');
      case 4:
      case 5:
        return this.#dial('other');
      case 6:
        return this.#otherProgram();
      case 7:
        return this.#somethingDies();
      default:
        return this.#somebodyCloses();
    }
  }

  /** The owner of an accepted session closes it. */
  closeAccepted(key: string): void {
    const slot = this.#slots.find(({ session }) => session?.key === key);
    if (slot?.thread === true) this.#closeSession(slot);
  }

  /** A session's far end elsewhere. */
  #clientDials(): void {
    const remote = { address: `192.0.2.${this.#random.int(3) + 1}`, port: this.#nextPort++ };
    const fate = this.#random.int(10);
    const client: Client = {
      silent: this.#random.int(3) === 0,
      challenged: (_, answer) => {
        // One in ten never answers, and holds the handshakes of all others up.
        if (fate === 0) this.#later(2000 + this.#random.int(3000), () => answer(false));
        else this.#soon(() => answer(fate !== 1));
      },
      acknowledged: () => fate !== 2,
    };
    this.#arrive({ connection: this.#connect({ address: HERE, port: PORT }, remote), client });
  }

  #arrive(pending: Pending): void {
    this.#queue.push(pending);
    this.#accept();
  }

  /** The module serves one handshake at a time. */
  #accept(): void {
    if (this.#accepting) return;
    const pending = this.#queue.shift();
    if (pending === undefined) return;
    this.#accepting = true;
    this.#soon(() => {
      const { connection, client } = pending;
      const slot = this.#allocate();
      const over = (): void => {
        this.#accepting = false;
        this.#soon(() => this.#accept());
      };
      const fail = (): void => {
        // The slot first, then the socket.
        if (slot !== undefined) this.#free(slot);
        this.#soon(() => this.#disconnect(connection));
        over();
      };
      connection.queued = false;
      connection.inode = String(this.#nextInode++);
      if (slot === undefined || !connection.open) return fail();
      slot.connection = connection;
      this.#soon(() => {
        const id = this.#id();
        slot.id = id;
        slot.session = this.#begin(slot, 'accepted', 'other', connection.remote);
        this.#received(slot, INIT);
        this.#sent(slot, CHALLENGE);
        slot.state = 'ESTABLISHED';
        client.challenged(id, (ok) => {
          if (!ok || !connection.open) return fail();
          this.#received(slot, RESPONSE_RECEIVED);
          this.#soon(() => {
            this.#sent(slot, ACK);
            this.#run(slot);
            over();
            this.#soon(() => {
              if (!client.acknowledged()) return this.#connectionDies(slot);
              if (!client.silent) this.#traffic(slot);
            });
          });
        });
      });
    });
  }

  /** CONNECT by this process or another program, to a peer elsewhere or to this machine's own listener. */
  #dial(by: 'us' | 'other'): void {
    // One after another, in a process of ours.
    if (by === 'us' && this.dialling.length > 0) return;
    const slot = this.#allocate();
    if (slot === undefined) return;
    const peer = this.#pick(this.#peers);
    if (by === 'us') this.dialling = [peer];
    const returned = (): void => {
      if (by === 'us') this.dialling = [];
    };
    const fail = (): void => {
      if (slot.connection !== null) this.#disconnect(slot.connection);
      this.#soon(() => {
        this.#free(slot);
        returned();
      });
    };
    this.#soon(() => {
      const local = { address: HERE, port: this.#nextPort++ };
      // A host that does not answer.
      if (this.#random.int(8) === 0) return this.#later(1000 + this.#random.int(3000), fail);
      const connection = this.#connect(local, peer);
      connection.queued = false;
      connection.inode = String(this.#nextInode++);
      slot.connection = connection;
      slot.shows = peer;
      slot.state = 'INIT_SENT';
      this.#sent(slot, INIT);
      const finish = (): void => {
        this.#received(slot, ACK);
        this.#soon(() => {
          this.#run(slot);
          this.#traffic(slot);
          const { key } = slot.session!;
          // CONNECT returns, and some time later the session is entered.
          this.#soon(() =>
            this.#soon(() => {
              if (by === 'us') this.#own.add(key);
              returned();
            }),
          );
        });
      };
      const challenged = (id: string): void => {
        slot.id = id;
        slot.state = 'CHALLENGED';
        slot.session = this.#begin(slot, 'dialled', by, null);
        this.#received(slot, CHALLENGE);
        this.#soon(() => {
          slot.state = 'ESTABLISHED';
          this.#sent(slot, RESPONSE_SENT);
        });
      };
      if (peer.address === HERE) return this.#dialHere(connection, { challenged, finish, fail });
      const fate = this.#random.int(8);
      if (fate === 0) return this.#later(this.#random.int(3000), fail);
      this.#soon(() => {
        challenged(this.#id());
        this.#soon(() => this.#soon(fate === 1 ? fail : finish));
      });
    });
  }

  /** Both ends in one table. */
  #dialHere(
    { local, remote }: Connection,
    { challenged, finish, fail }: { challenged: (id: string) => void; finish: () => void; fail: () => void },
  ): void {
    const fate = this.#random.int(8);
    const far = this.#connect(remote, local);
    let failed = false;
    const client: Client = {
      silent: false,
      challenged: (id, answer) => {
        this.#soon(() => {
          challenged(id);
          this.#soon(() => this.#soon(() => answer(fate !== 0)));
          if (fate === 0) failed = true;
          if (failed) this.#soon(() => this.#soon(fail));
        });
      },
      acknowledged: () => {
        if (fate === 1) {
          this.#disconnect(far);
          fail();
          return false;
        }
        finish();
        return true;
      },
    };
    this.#arrive({ connection: far, client });
  }

  /** A program's own TCP connection, to where sessions are dialled too. */
  #otherProgram(): void {
    const connection = this.#connect({ address: HERE, port: this.#nextPort++ }, this.#pick(this.#peers.slice(0, 2)));
    connection.queued = false;
    connection.inode = String(this.#nextInode++);
    this.#later(this.#random.int(3000), () => this.#disconnect(connection));
  }

  #somethingDies(): void {
    const living = this.#slots.filter(({ thread }) => thread);
    if (living.length === 0) return;
    const slot = this.#pick(living);
    switch (this.#random.int(3)) {
      case 0:
        return this.#peerCloses(slot);
      case 1:
        return this.#connectionDies(slot);
      default:
        // A packet that fails its checks: the thread ends, and the connection stays.
        return this.#end(slot);
    }
  }

  #somebodyCloses(): void {
    const theirs = this.#slots.filter(({ thread, session }) => thread && session?.role === 'dialled');
    if (theirs.length > 0) this.#closeSession(this.#pick(theirs));
  }

  #peerCloses(slot: Slot): void {
    this.#received(slot, ACK);
    slot.state = 'CLOSING';
    this.#end(slot);
    this.#soon(() => this.#disconnect(slot.connection!));
  }

  /** The connection is gone some moments before the thread is. */
  #connectionDies(slot: Slot): void {
    const { session, connection } = slot;
    this.#disconnect(connection!);
    this.#soon(() => {
      if (slot.session === session && slot.thread) this.#end(slot);
    });
  }

  #closeSession(slot: Slot): void {
    const { connection } = slot;
    this.#disconnect(connection!);
    slot.thread = false;
    this.#free(slot);
  }

  #end(slot: Slot): void {
    slot.thread = false;
    slot.session!.ended = this.now;
    slot.session!.left = true;
  }

  #run(slot: Slot): void {
    slot.thread = true;
    slot.session!.lives = this.now;
    const { session } = slot;
    this.#later(5000, () => {
      if (slot.session === session && slot.thread) slot.uptime = 1n;
    });
  }

  /** What comes of itself: path search first, then messages. */
  #traffic(slot: Slot): void {
    const { session } = slot;
    const packet = (): void => {
      if (slot.session !== session || !slot.thread) return;
      this.#received(slot, 80 + this.#random.int(900));
      this.#sent(slot, 96 + this.#random.int(900));
      this.#later(1 + this.#random.int(2000), packet);
    };
    this.#later(this.#random.int(20), packet);
  }

  #received(slot: Slot, bytes: number): void {
    slot.packetsRecv += 1;
    slot.bytesRecv += bytes;
  }

  #sent(slot: Slot, bytes: number): void {
    slot.packetsSent += 1;
    slot.bytesSent += bytes;
  }

  #begin(slot: Slot, role: SessionRole, by: Session['by'], peer: TcpEnd | null): Session {
    const key = keyOf(slot);
    const session: Session = { key, role, by, peer, lives: null, ended: null, left: false };
    this.sessions.set(key, session);
    return session;
  }

  #allocate(): Slot | undefined {
    const slot = this.#slots.find(({ active }) => !active);
    if (slot === undefined) return undefined;
    slot.active = true;
    slot.state = 'IDLE';
    return slot;
  }

  /** The id and what it shows stay. */
  #free(slot: Slot): void {
    if (slot.session !== null) slot.session.ended ??= this.now;
    Object.assign(slot, { active: false, state: 'IDLE', thread: false, connection: null, session: null, uptime: 0n });
    Object.assign(slot, { packetsRecv: 0, bytesRecv: 0, packetsSent: 0, bytesSent: 0 });
  }

  #connect(local: TcpEnd, remote: TcpEnd): Connection {
    const connection: Connection = { local, remote, inode: '0', queued: true, open: true, missed: false };
    this.#connections.push(connection);
    return connection;
  }

  #disconnect(connection: Connection): void {
    connection.open = false;
    this.#connections = this.#connections.filter((one) => one !== connection);
  }

  #id(): string {
    return (this.#nextId++).toString(16).padStart(32, '0');
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#random.int(list.length)]!;
  }

  /** Within the moments that one step of a handshake, a death or a message takes. */
  #soon(run: () => void): void {
    this.#later(this.#random.int(5), run);
  }

  #later(ms: number, run: () => void): void {
    this.#events.push({ at: this.now + ms, run });
  }
}

function recordOf(slot: Slot): SessionRecord {
  const none = { rttNs: 0n, jitterNs: 0n, lossRatePpm: 0, throughputBps: 0, mtuCurrent: 0, queueDepth: 0 };
  return {
    index: slot.index,
    id: slot.id,
    state: slot.state,
    peerAddr: toMapped(new Addr(slot.shows.address, slot.shows.port)),
    peerPort: slot.shows.port,
    bytesSent: BigInt(slot.bytesSent),
    bytesRecv: BigInt(slot.bytesRecv),
    packetsSent: BigInt(slot.packetsSent),
    packetsRecv: BigInt(slot.packetsRecv),
    packetsSinceRekey: 0,
    telemetry: { ...none, uptimeNs: slot.uptime, rekeyCount: 0, configVersion: 0 },
  };
}
