/**
 * Which sessions of the table a listener may hand out: the rule alone, without I/O and without a clock. The table doesn't say
 * who dialled a session (kernel contract, section 3), and a session that is handed out wrongly gets its listener somebody
 * else's messages; so a session is accepted where something proves it, and is left alone, which is told, where nothing does.
 *
 * What proves a role by itself: this process dialled it; a served device's port 0; the bytes that a handshake leaves, while
 * nothing else has come; the session's other end in the same table, whose role is known.
 *
 * Else the connections of /proc/net decide, by exclusion. Each living session owns one of them: an accepted one to the
 * listening port, a dialled one to the peer that it shows. A session was accepted if the living sessions can share out the
 * connections in such a way that it owns one to the port, and in no way that it owns one to what it shows. Nothing is
 * assumed of dead sessions, which may own one or none, and of connections that no session owns: handshakes under way, and
 * other programs'.
 *
 * One thing is not seen at the same instant: a connection leaves /proc/net a moment before its session's thread ends, and a
 * read of /proc/net may miss one. So a verdict that rests on a connection which isn't there has to hold a while longer.
 */
import { Addr } from '../../address/addr.js';
import { fromMapped } from '../calls/mapped-address.js';
import { HANDSHAKE_PACKETS, keyOf, type SessionRecord } from '../table/table-row.js';
import { ConnectionClaims, isSame, reaches } from './connection-claims.js';
import { ConnectionShares } from './connection-shares.js';
import { roleByCounters, UNKNOWN, type AcceptedPeer, type SessionRole } from './session-role.js';
import { TableHistory } from './table-history.js';
import type { TcpConnection, TcpEnd, TcpTable } from '../table/tcp-table.js';

/** One look, in the order in which it is made. */
export interface AcceptLook {
  /** Monotonic ms. */
  now: number;
  /** The table, read first. */
  records: readonly SessionRecord[];
  /** Then the connections. */
  tcp: TcpTable;
  /** Whether a session's receiver ran before the connections were read and after it; where that can't be seen, a guess. */
  alive: (record: SessionRecord) => boolean;
  /** False: `alive` is a guess, which is true of the dead as well. */
  livesSeen: boolean;
  /** What is known of the process's own sessions. */
  own: (record: SessionRecord) => SessionRole | null;
  /** Whom the process's CONNECTs dial that have not come to an entry among its own sessions. */
  dialling: readonly TcpEnd[];
}

/**
 * `accepted`: to be handed out, once. `undecided`: nothing has told accepted from dialled for so long that it is left alone.
 * `gone`: it has ended before it was handed out.
 */
export type AcceptVerdict =
  | { kind: 'accepted'; record: SessionRecord; peer: AcceptedPeer }
  | { kind: 'undecided'; record: SessionRecord }
  | { kind: 'gone'; record: SessionRecord };

export interface AcceptRuleOptions {
  /** The module's device; false for one that is served from user space. */
  module: boolean;
  /** The port that is listening. */
  port: number;
  /** The connection of each session that this process accepted, by key, where it is known; outlives a listener. */
  connections: Map<string, TcpConnection>;
  /** The look when listening began: its sessions are somebody else's. */
  before: AcceptLook;
}

/** Bytes received when the handshake is just over: INIT and RESPONSE at the end that accepted... */
const ACCEPTED_BYTES = 288n;
/** ...CHALLENGE and ACK at the end that dialled. */
const DIALLED_BYTES = 258n;

/** ms for which `accepted` by exclusion has to hold: a thread ends within far less of its connection's end. */
const ACCEPTED_HOLDS_MS = 20;
/** ms for which `dialled` by exclusion has to hold: nobody waits for it, and being wrong would lose a session. */
const DIALLED_HOLDS_MS = 1000;
/** ms after which a session that nothing decides is left alone for good. */
const UNDECIDED_MS = 30_000;
/** ms after which a session without a thread has died: a handshake's last packet and the thread are microseconds apart. */
const STILLBORN_MS = 2000;
/** ms for a session of which nothing but the handshake was heard to live before it is handed out. */
const UNHEARD_MS = 10;
/** Looks at what is undecided: soon at first, then ever more seldom. */
const SOONEST_LOOK_MS = 10;
const LATEST_LOOK_MS = 1000;
/** Looks with which listening begins: by the third of them an empty slot tells that older connections are not its next session's. */
const FIRST_LOOKS = 3;

/** A session that is not decided. */
interface Open {
  /** ms. */
  since: number;
  /** The receiver was seen running. */
  lived: boolean;
  /** The handshake's packets have come. */
  shaken: boolean;
  /** What has proven its role: the counters do so for a moment only. */
  proven: SessionRole | null;
  /** What exclusion says, and since when. */
  leaning: SessionRole | null;
  leaningSince: number;
}

export class AcceptRule {
  readonly #options: AcceptRuleOptions;
  /** All of the table when listening began, by key: nobody waits for what ends of it. */
  readonly #there: ReadonlySet<string>;
  /** Those of it that had begun: they are somebody else's. */
  readonly #before: ReadonlySet<string>;
  /** Sessions that are decided, by key, for as long as they are in the table. */
  readonly #decided = new Map<string, SessionRole | 'left'>();
  readonly #open = new Map<string, Open>();
  readonly #history = new TableHistory();
  readonly #claims: ConnectionClaims;
  #hurry = false;

  constructor(options: AcceptRuleOptions) {
    this.#options = options;
    this.#claims = new ConnectionClaims({ ...options, history: this.#history });
    const { before } = options;
    const begun = before.records.filter(
      (record) =>
        record.state === 'REKEYING' || record.state === 'CLOSING' || (isEstablished(record) && before.alive(record)),
    );
    this.#there = new Set(before.records.map(keyOf));
    this.#before = new Set(begun.map(keyOf));
    this.#noteRecords(before.records);
    this.#history.noteConnections(before.tcp);
  }

  /**
   * A look at the table, once for each. @returns whether it needs the rest of an {@link AcceptLook}, for `judge`: there is a session
   * that is not decided
   */
  concerns(records: readonly SessionRecord[], own: AcceptLook['own']): boolean {
    this.#noteRecords(records);
    return records.some((record) => this.#isOpen(record, own));
  }

  /** What the look decides that `concerns` was told of. Each session comes up once. */
  judge(look: AcceptLook): AcceptVerdict[] {
    this.#history.noteConnections(look.tcp);
    const verdicts: AcceptVerdict[] = [];
    const records = look.records.filter((record) => this.#isOpen(record, look.own));
    const keys = new Set(records.map(keyOf));
    for (const key of this.#open.keys()) if (!keys.has(key)) this.#open.delete(key);
    for (const record of records) {
      const verdict = this.#judge(record, look);
      if (verdict !== null) verdicts.push(verdict);
    }
    return verdicts;
  }

  /** Nobody is handed anything any more: from now on what is proven is told at once, so that it can be closed. */
  hurry(): void {
    this.#hurry = true;
  }

  /** ms until another look may decide what this one left open; Infinity where only a change of the table can. */
  again(now: number): number {
    let soonest = this.#history.looks < FIRST_LOOKS ? SOONEST_LOOK_MS : Infinity;
    for (const { since, shaken } of this.#open.values()) {
      // A handshake that lasts is seen to end by the packets that it counts.
      const wait = shaken ? (now - since) / 2 : LATEST_LOOK_MS;
      soonest = Math.min(soonest, Math.max(SOONEST_LOOK_MS, Math.min(LATEST_LOOK_MS, wait)));
    }
    return soonest;
  }

  #judge(record: SessionRecord, look: AcceptLook): AcceptVerdict | null {
    const key = keyOf(record);
    const open = this.#openOf(key, record, look.now);
    const alive = isEstablished(record) && look.alive(record);
    open.lived ||= alive;
    const proven = (open.proven ??= this.#proven(record, look));
    if (!alive) {
      const stillborn = open.shaken && look.now - open.since >= STILLBORN_MS;
      if (record.state !== 'CLOSING' && !open.lived && !stillborn) return null;
      this.#decide(key, proven === 'dialled' ? 'dialled' : 'left');
      return proven === 'dialled' || this.#there.has(key) ? null : { kind: 'gone', record };
    }
    const role = proven ?? this.#byExclusion(record, look, open);
    if (role === null) {
      if (look.now - open.since < UNDECIDED_MS) return null;
      this.#decide(key, 'left');
      return { kind: 'undecided', record };
    }
    // Hazard 3: a dial that fails at its last packet leaves a session here, which ends as soon as its thread reads on.
    const unheard = this.#options.module && !this.#hurry && record.packetsRecv === HANDSHAKE_PACKETS;
    if (role === 'accepted' && unheard && look.now - open.since < UNHEARD_MS) return null;
    this.#decide(key, role);
    if (role === 'dialled') return null;
    const peer = this.#peerOf(record, look);
    if (peer.connection !== null) this.#options.connections.set(key, peer.connection);
    return { kind: 'accepted', record, peer };
  }

  /** What proves a role by itself; null where nothing does. */
  #proven(record: SessionRecord, look: AcceptLook): SessionRole | null {
    return this.#alone(record, look) ?? this.#byOtherEnd(record, look);
  }

  #alone(record: SessionRecord, look: AcceptLook): SessionRole | null {
    const known = this.#roleOf(record, look);
    if (known !== null) return known;
    // A served device shows port 0 for accepted sessions; on the module port 0 means no more than "never dialled".
    if (!this.#options.module && record.peerPort === 0) return 'accepted';
    if (record.packetsRecv !== HANDSHAKE_PACKETS) return null;
    if (record.bytesRecv === ACCEPTED_BYTES) return 'accepted';
    return record.bytesRecv === DIALLED_BYTES ? 'dialled' : null;
  }

  /**
   * Both ends of a session on one machine share its id, and one of them dialled. A server chooses the id, and might choose
   * another session's: an end that was dialled proves the other only where it was dialled to the listening port.
   */
  #byOtherEnd(record: SessionRecord, look: AcceptLook): SessionRole | null {
    const other = look.records.find(({ id, index }) => id === record.id && index !== record.index);
    if (other === undefined) return null;
    const role = this.#alone(other, look);
    if (role === 'accepted') return 'dialled';
    if (role === 'dialled') return other.peerPort === this.#options.port ? 'accepted' : null;
    return this.#options.module ? roleByCounters(record, other) : null;
  }

  /** By the connections that are there, once they have said the same for long enough. */
  #byExclusion(record: SessionRecord, look: AcceptLook, open: Open): SessionRole | null {
    // Without its listening socket this isn't the module's network namespace, and shows none of its connections.
    if (!look.tcp.listening.has(this.#options.port)) return null;
    const dialled = this.#claims.dialled(record, look.tcp);
    const shares = this.#shares(record, look);
    const mayBeAccepted = shares.mayOwn(this.#claims.free(look.tcp));
    // One that this process dials just now may be this one, or own none of those connections: none is taken for another's.
    const dialling = look.dialling.some((peer) => reaches(peer, record));
    const mayBeDialled = dialling ? dialled.length > 0 : shares.mayOwn(dialled);
    const neverDialled = record.peerPort === 0;
    // One that is dead, which can't be seen, may own no connection any more, whichever it was.
    const proves = look.livesSeen || neverDialled;
    const role = mayBeAccepted === mayBeDialled || !proves ? null : mayBeAccepted ? 'accepted' : 'dialled';
    if (role !== open.leaning) {
      open.leaning = role;
      open.leaningSince = look.now;
    }
    // A slot that never dialled holds no session that was dialled, whatever connections there are.
    const holds = role === 'dialled' ? DIALLED_HOLDS_MS : neverDialled ? 0 : ACCEPTED_HOLDS_MS;
    return look.now - open.leaningSince >= holds ? role : null;
  }

  /** The peer of an accepted session: the session table doesn't know it, TCP does. */
  #peerOf(record: SessionRecord, look: AcceptLook): AcceptedPeer {
    const shown = this.#options.module || record.peerPort !== 0 ? null : fromMapped(record.peerAddr, 0);
    const told = shown !== null && shown.address !== UNKNOWN.address ? shown : null;
    const shares = this.#shares(record, look);
    const free = this.#claims
      .free(look.tcp)
      .filter(
        (one) =>
          this.#history.mayHaveBeenAccepted(one, record) &&
          (told === null || one.remote.address === told.address) &&
          shares.mayOwn([one]),
      );
    const [first] = free;
    if (first === undefined) return { addr: told ?? UNKNOWN, connection: null, possible: [told ?? UNKNOWN] };
    const possible = free.map(({ remote }) => new Addr(remote.address, remote.port));
    if (free.length === 1) return { addr: possible[0]!, connection: first, possible };
    const oneHost = possible.every(({ address }) => address === first.remote.address);
    return { addr: oneHost ? new Addr(first.remote.address, 0) : UNKNOWN, connection: null, possible };
  }

  /** How the other sessions share out the connections. */
  #shares(record: SessionRecord, look: AcceptLook): ConnectionShares {
    // Where the dead can't be told from the living, no session can be relied on to own anything.
    if (!look.livesSeen) return new ConnectionShares([]);
    const others = look.records.filter((other) => other !== record && isEstablished(other) && look.alive(other));
    return new ConnectionShares(others.map((other) => this.#mayOwn(other, look)));
  }

  #mayOwn(record: SessionRecord, look: AcceptLook): TcpConnection[] {
    const key = keyOf(record);
    const own = look.own(record);
    if (own === 'dialled') return this.#claims.dialled(record, look.tcp);
    const decided = this.#decided.get(key);
    // Sessions of before, and of a listener before this one, may own connections to another port.
    if (this.#before.has(key) || (own === 'accepted' && decided !== 'accepted')) return [];
    const connection = this.#options.connections.get(key);
    if (connection !== undefined && look.tcp.established.some((one) => isSame(one, connection))) return [];
    if (decided === 'accepted') return this.#claims.free(look.tcp);
    if (decided === 'dialled') return this.#claims.dialled(record, look.tcp);
    return [...this.#claims.free(look.tcp), ...this.#claims.dialled(record, look.tcp)];
  }

  #roleOf(record: SessionRecord, look: AcceptLook): SessionRole | null {
    const decided = this.#decided.get(keyOf(record));
    return look.own(record) ?? (decided === 'left' ? null : (decided ?? null));
  }

  #decide(key: string, role: SessionRole | 'left'): void {
    this.#open.delete(key);
    this.#decided.set(key, role);
  }

  /** Shown as begun, since listening began, and neither this process's nor decided. */
  #isOpen(record: SessionRecord, own: AcceptLook['own']): boolean {
    const key = keyOf(record);
    if (record.state !== 'ESTABLISHED' && record.state !== 'CLOSING') return false;
    return !this.#before.has(key) && !this.#decided.has(key) && own(record) === null;
  }

  #openOf(key: string, record: SessionRecord, now: number): Open {
    let open = this.#open.get(key);
    if (open === undefined) {
      open = { since: now, lived: false, shaken: false, proven: null, leaning: null, leaningSince: now };
      this.#open.set(key, open);
    }
    if (!open.shaken && record.packetsRecv >= HANDSHAKE_PACKETS) {
      // Whatever came before was the handshake's time, not the session's.
      open.shaken = true;
      open.since = now;
    }
    return open;
  }

  /** Forgets what is not in the table any more. */
  #noteRecords(records: readonly SessionRecord[]): void {
    const keys = this.#history.note(records);
    for (const map of [this.#decided, this.#open, this.#options.connections]) {
      for (const key of map.keys()) if (!keys.has(key)) map.delete(key);
    }
  }
}

function isEstablished(record: SessionRecord): boolean {
  return record.state === 'ESTABLISHED';
}
