/**
 * Accepting, by watching the table: the module has no call for it. What is handed out, the rule says; here the looks are made
 * that it judges.
 */
import type { DropReason } from '../../../base/session.js';
import { PoolError } from '../../../base/errors.js';
import { Addr } from '../../address/addr.js';
import { AcceptRule, type AcceptLook } from './accept-rule.js';
import type { KernelClock } from '../calls/kernel-clock.js';
import type { SessionRecord } from '../table/table-row.js';
import { UNKNOWN, type AcceptedPeer, type SessionRole } from './session-role.js';
import type { DeviceTable, Snapshot, TableObserver } from '../table/device-table.js';
import type { SessionProbe } from '../session/session-probe.js';
import type { WatchInterest } from '../table/table-watcher.js';
import type { TcpConnection, TcpEnd, TcpTable } from '../table/tcp-table.js';

/** ms between two looks where the device doesn't tell of new sessions: one is to be handed out within 50. */
const WATCH_MS = 25;
/** ms until a look is made again that could not be made. */
const MISSED_LOOK_MS = 100;
/** ms in which what came last is told when a listener closes. */
const FINISH_MS = 50;

/** The ends of a session's connection. */
export interface Ends {
  local: Addr;
  remote: Addr;
}

const NO_CONNECTIONS: TcpTable = { listening: new Set(), established: [] };

export interface AcceptorOptions {
  probe: SessionProbe;
  clock: KernelClock;
  port: number;
  tcp: () => TcpTable;
  /** Whether the device tells the ends of sessions by itself; then the connections needn't be read, which takes ms. */
  tellsEnds: () => boolean;
  /** The ends of a session, null where they can't be had. */
  endsOf: (index: number) => Promise<Ends | null>;
  /** What is known of the process's own sessions. */
  roleOf: (record: SessionRecord) => SessionRole | null;
  /** Whom the process's CONNECTs under way dial. */
  dialling: () => readonly TcpEnd[];
  /** The table when listening began: its sessions are somebody else's. */
  before: Snapshot;
  /** The connection of each session that this process accepted, by key, where it is known; outlives a listener. */
  connections: Map<string, TcpConnection>;
  accepted: (record: SessionRecord, peer: AcceptedPeer, local: Addr | null) => void;
  /** A session is left alone for good. */
  dropped: (remote: Addr, reason: DropReason, error: PoolError) => void;
  failed(error: PoolError): void;
}

export class Acceptor implements TableObserver {
  readonly #options: AcceptorOptions;
  readonly #rule: AcceptRule;
  /** Sessions that are accepted, and whose ends are asked for. */
  readonly #asking = new Set<Promise<void>>();
  /** The last look could not be made. */
  #missed = false;

  /** @throws PoolError where /proc can't be read at the moment */
  constructor(options: AcceptorOptions) {
    this.#options = options;
    const { probe, port, connections, before } = options;
    this.#rule = new AcceptRule({ module: probe.module, port, connections, before: this.#look(before) });
  }

  interval(): number {
    const again = this.#rule.again(this.#options.clock.now());
    return this.#missed ? Math.min(again, MISSED_LOOK_MS) : again;
  }

  watch(): WatchInterest {
    return { interval: WATCH_MS, counters: false };
  }

  table(snapshot: Snapshot): void {
    const { roleOf, dropped } = this.#options;
    this.#missed = false;
    if (!this.#rule.concerns(snapshot.records, roleOf)) return;
    const look = this.#lookNow(snapshot);
    this.#missed = look === null;
    for (const verdict of look === null ? [] : this.#rule.judge(look)) {
      const { kind, record } = verdict;
      if (kind === 'accepted') this.#accepted(record, verdict.peer);
      else dropped(UNKNOWN, kind, leftAlone(kind, record));
    }
  }

  #accepted(record: SessionRecord, peer: AcceptedPeer): void {
    const { accepted, tellsEnds, endsOf } = this.#options;
    const { connection } = peer;
    if (connection !== null || !tellsEnds()) {
      accepted(record, peer, connection === null ? null : new Addr(connection.local.address, connection.local.port));
      return;
    }
    const asking = endsOf(record.index).then((ends) => {
      this.#asking.delete(asking);
      if (ends === null) accepted(record, peer, null);
      else accepted(record, { addr: ends.remote, connection: null, possible: [ends.remote] }, ends.local);
    });
    this.#asking.add(asking);
  }

  /** The last looks: what was accepted until now is told, as far as it can be told in a moment. */
  async finish(table: DeviceTable): Promise<void> {
    const { clock } = this.#options;
    this.#rule.hurry();
    const until = clock.now() + FINISH_MS;
    for (;;) {
      await table.refresh().catch(() => {});
      const wait = this.#rule.again(clock.now());
      if (clock.now() + wait > until) break;
      await new Promise<void>((resolve) => clock.after(wait, resolve));
    }
    await Promise.all(this.#asking);
  }

  lost(error: PoolError): void {
    this.#options.failed(error);
  }

  /** Null where /proc can't be read at the moment: then nothing is judged. */
  #lookNow(snapshot: Snapshot): AcceptLook | null {
    try {
      return this.#look(snapshot);
    } catch {
      return null;
    }
  }

  #look({ records }: Snapshot): AcceptLook {
    const { probe, clock, tcp: readTcp, tellsEnds, roleOf, dialling } = this.#options;
    const established = records.filter(({ state }) => state === 'ESTABLISHED');
    probe.prepare(established);
    const before = established.filter((record) => probe.established(record));
    const tcp = tellsEnds() ? NO_CONNECTIONS : readTcp();
    // Section 3. Asked again: a session that lives now had its connection when the connections were read.
    const living = new Set(before.filter((record) => probe.established(record)));
    return {
      now: clock.now(),
      records,
      tcp,
      alive: (record) => living.has(record),
      livesSeen: probe.livesSeen,
      own: roleOf,
      dialling: dialling(),
    };
  }
}

function leftAlone(kind: 'undecided' | 'gone', { index, id }: SessionRecord): PoolError {
  const session = `session ${id} in slot ${index}`;
  if (kind === 'gone') {
    return new PoolError(
      'ERR_POOL_PEER_LOST',
      `${session} ended before it could be accepted: its dial failed or was given up`,
    );
  }
  return new PoolError(
    'ERR_POOL_NOT_ESTABLISHED',
    `${session} was left alone: neither its counters nor the connections of /proc/net tell whether it was accepted, or ` +
      'dialled by another program of this machine',
  );
}
