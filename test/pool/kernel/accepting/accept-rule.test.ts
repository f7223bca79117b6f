import { describe, expect, it } from 'vitest';
import { Addr } from '../../../../src/pool/address/addr.js';
import { AcceptRule, type AcceptLook, type AcceptVerdict } from '../../../../src/pool/kernel/accepting/accept-rule.js';
import { toMapped } from '../../../../src/pool/kernel/calls/mapped-address.js';
import type { SessionRecord } from '../../../../src/pool/kernel/table/table-row.js';
import type { SessionRole } from '../../../../src/pool/kernel/accepting/session-role.js';
import type { TcpConnection } from '../../../../src/pool/kernel/table/tcp-table.js';

const PORT = 9253;
const STALE = '10.0.0.5:9253';

interface Shown {
  index?: number;
  id?: string;
  state?: SessionRecord['state'];
  /** What the slot last dialled. */
  shows?: string;
  packets?: number;
  bytes?: number;
  /** Packets and bytes sent. */
  sent?: [packets: number, bytes: number];
  uptime?: bigint;
}

function record({
  index = 0,
  id = 'id',
  state = 'ESTABLISHED',
  shows = '[::]:0',
  packets = 9,
  bytes = 5000,
  sent = [0, 0],
  uptime = 0n,
}: Shown = {}): SessionRecord {
  const addr = Addr.parse(shows);
  const none = { rttNs: 0n, jitterNs: 0n, lossRatePpm: 0, throughputBps: 0, mtuCurrent: 0, queueDepth: 0 };
  return {
    index,
    id,
    state,
    peerAddr: toMapped(addr),
    peerPort: addr.port,
    bytesSent: BigInt(sent[1]),
    bytesRecv: BigInt(bytes),
    packetsSent: BigInt(sent[0]),
    packetsRecv: BigInt(packets),
    packetsSinceRekey: 0,
    telemetry: { ...none, uptimeNs: uptime, rekeyCount: 0, configVersion: 0 },
  };
}

let inodes = 1;
function connection(local: string, remote: string, queued = false): TcpConnection {
  const end = (text: string) => ({ address: Addr.parse(text).address, port: Addr.parse(text).port });
  return { local: end(local), remote: end(remote), inode: queued ? '0' : String(inodes++), queued };
}

const ACCEPTED = connection('10.0.0.2:9253', '192.0.2.7:51000');
const SECOND = connection('10.0.0.2:9253', '192.0.2.7:51001');
const STRANGER = connection('10.0.0.2:9253', '198.51.100.1:1');
const DIALLED = connection('10.0.0.2:40000', STALE);

interface Scene {
  records?: SessionRecord[];
  tcp?: TcpConnection[];
  listening?: boolean;
  /** Slots without a living thread. */
  dead?: number[];
  livesSeen?: boolean;
  /** Roles by index. */
  own?: Record<number, SessionRole>;
  dialling?: string[];
}

class Bench {
  now = 1000;
  readonly connections = new Map<string, TcpConnection>();
  readonly rule: AcceptRule;
  readonly #module: boolean;

  constructor({ module = true, before = {} } = {}) {
    this.#module = module;
    this.rule = new AcceptRule({ module, port: PORT, connections: this.connections, before: this.#look(before) });
  }

  /** One look, as the acceptor makes it. */
  look(scene: Scene): AcceptVerdict[] {
    const look = this.#look(scene);
    return this.rule.concerns(look.records, look.own) ? this.rule.judge(look) : [];
  }

  /** Looks until the rule asks for no other, for `ms` at most; the scene stays what it is. */
  watch(scene: Scene, ms = 60_000): AcceptVerdict[] {
    const until = this.now + ms;
    const verdicts = this.look(scene);
    for (let wait = this.rule.again(this.now); this.now + wait <= until; wait = this.rule.again(this.now)) {
      this.now += wait;
      verdicts.push(...this.look(scene));
    }
    return verdicts;
  }

  #look({ records = [], tcp = [], listening = true, dead = [], livesSeen = true, own = {}, dialling = [] }: Scene) {
    const look: AcceptLook = {
      now: this.now,
      records,
      tcp: { listening: new Set(listening ? [PORT] : []), established: tcp },
      alive: ({ index, packetsRecv }) => !dead.includes(index) && (!this.#module || packetsRecv >= 2n),
      livesSeen,
      own: ({ index }) => own[index] ?? null,
      dialling: dialling.map((text) => Addr.parse(text)),
    };
    return look;
  }
}

/** What became of slot 0, as far as it is told. */
function verdictOf(verdicts: readonly AcceptVerdict[], index = 0): string {
  const mine = verdicts.filter((one) => one.record.index === index);
  expect(mine.length).toBeLessThanOrEqual(1);
  return mine[0]?.kind ?? 'nothing';
}

const NO_MODULE = { module: false };

describe('a new session', () => {
  const cases: [name: string, verdict: string, scene: Scene, options?: { module: boolean }][] = [
    ['that this process dialled', 'nothing', { records: [record()], tcp: [ACCEPTED], own: { 0: 'dialled' } }],
    ['with 288 bytes in two packets', 'accepted', { records: [record({ packets: 2, bytes: 288 })], listening: false }],
    ['with 258 bytes in two packets', 'nothing', { records: [record({ packets: 2, bytes: 258 })], tcp: [ACCEPTED] }],
    [
      'with 258 bytes in three packets, which say nothing',
      'accepted',
      { records: [record({ packets: 3, bytes: 258 })], tcp: [ACCEPTED] },
    ],
    ['in a slot that never dialled', 'accepted', { records: [record()], tcp: [ACCEPTED] }],
    ['in such a slot, without a connection to the port', 'undecided', { records: [record()], tcp: [DIALLED] }],
    ['without a connection to what it shows', 'accepted', { records: [record({ shows: STALE })], tcp: [ACCEPTED] }],
    ['without a connection to the port', 'nothing', { records: [record({ shows: STALE })], tcp: [DIALLED] }],
    ['with a connection to either', 'undecided', { records: [record({ shows: STALE })], tcp: [ACCEPTED, DIALLED] }],
    [
      'where the connection to what it shows is another session’s',
      'accepted',
      {
        records: [record({ shows: STALE }), record({ index: 1, id: 'other', shows: STALE })],
        tcp: [ACCEPTED, DIALLED],
        own: { 1: 'dialled' },
      },
    ],
    [
      'where the other session that shows the same is dead, and owns no connection any more',
      'undecided',
      {
        records: [record({ shows: STALE }), record({ index: 1, id: 'other', shows: STALE })],
        tcp: [ACCEPTED, DIALLED],
        own: { 1: 'dialled' },
        dead: [1],
      },
    ],
    [
      'where the other session that shows the same is closing',
      'undecided',
      {
        records: [record({ shows: STALE }), record({ index: 1, id: 'other', shows: STALE, state: 'CLOSING' })],
        tcp: [ACCEPTED, DIALLED],
        own: { 1: 'dialled' },
      },
    ],
    [
      'where nobody can see who lives',
      'undecided',
      {
        records: [record({ shows: STALE }), record({ index: 1, id: 'other', shows: STALE })],
        tcp: [ACCEPTED, DIALLED],
        own: { 1: 'dialled' },
        livesSeen: false,
      },
    ],
    [
      'that this process may be dialling just now',
      'undecided',
      {
        records: [record({ shows: STALE }), record({ index: 1, id: 'other', shows: STALE })],
        tcp: [ACCEPTED, DIALLED],
        own: { 1: 'dialled' },
        dialling: [STALE],
      },
    ],
    [
      'that this process can’t be dialling, which has no connection to it yet',
      'accepted',
      { records: [record({ shows: STALE })], tcp: [ACCEPTED], dialling: [STALE] },
    ],
    [
      'dialled to the machine itself',
      'undecided',
      {
        records: [record({ shows: '0.0.0.0:9999' })],
        tcp: [ACCEPTED, connection('127.0.0.1:40000', '127.0.0.1:9999')],
      },
    ],
    [
      'where the connection to the port still waits to be accepted',
      'nothing',
      { records: [record({ shows: STALE })], tcp: [DIALLED, connection('10.0.0.2:9253', '192.0.2.7:1', true)] },
    ],
    ['in another network namespace', 'undecided', { records: [record()], tcp: [ACCEPTED], listening: false }],
    [
      'the other end of one that was dialled to the port',
      'accepted',
      {
        records: [record({ shows: STALE }), record({ index: 1, shows: '10.0.0.2:9253' })],
        listening: false,
        own: { 1: 'dialled' },
      },
    ],
    [
      'with the id of one that was dialled elsewhere, whose server chose it',
      'undecided',
      {
        records: [record({ shows: STALE }), record({ index: 1, shows: '10.0.0.6:7000' })],
        listening: false,
        own: { 1: 'dialled' },
      },
    ],
    [
      'the other end of one that was accepted here',
      'nothing',
      { records: [record({ shows: STALE }), record({ index: 1, packets: 2, bytes: 288 })], tcp: [ACCEPTED, DIALLED] },
    ],
    ['with port 0 on a served device', 'accepted', { records: [record()], listening: false }, NO_MODULE],
    [
      'with a port on a served device',
      'undecided',
      { records: [record({ shows: STALE })], listening: false },
      NO_MODULE,
    ],
  ];

  it.each(cases)('%s: %s', (_name, verdict, scene, options) => {
    expect(verdictOf(new Bench(options).watch(scene))).toBe(verdict);
  });
});

describe('both ends in one table, by their counters', () => {
  // INIT 144, RESPONSE 160; CHALLENGE 178, ACK 80; then a DISCOVER of 860 bytes from each, with a tag of 16.
  const dialled = (more: Partial<Shown> = {}) =>
    record({ index: 1, shows: '10.0.0.2:9253', sent: [3, 144 + 160 + 876], packets: 3, bytes: 258 + 860, ...more });
  const accepted = (more: Partial<Shown> = {}) =>
    record({ shows: '10.0.0.2:9253', sent: [3, 258 + 876], packets: 3, bytes: 288 + 860, ...more });
  const tcp = [ACCEPTED, connection('10.0.0.2:40000', '10.0.0.2:9253')];

  it('tell who dialled', () => {
    const verdicts = new Bench().watch({ records: [accepted(), dialled()], tcp });
    expect([verdictOf(verdicts), verdictOf(verdicts, 1)]).toEqual(['accepted', 'nothing']);
  });

  it.each<[string, Partial<Shown>, Partial<Shown>]>([
    ['after a heartbeat', { uptime: 1n }, {}],
    ['while a packet is on its way', { sent: [4, 258 + 876 + 96] }, {}],
    // What is sent as a message counts twice: 16 bytes look like a tag.
    ['after a message', { sent: [4, 258 + 876 + 112 + 16] }, { packets: 4, bytes: 258 + 860 + 96 }],
    [
      'after messages both ways',
      { sent: [4, 258 + 876 + 128], packets: 4, bytes: 288 + 860 + 96 },
      {
        sent: [4, 144 + 160 + 876 + 128],
        packets: 4,
        bytes: 258 + 860 + 96,
      },
    ],
  ])('say nothing %s', (_name, more, others) => {
    const verdicts = new Bench().watch({ records: [accepted(more), dialled(others)], tcp });
    expect([verdictOf(verdicts), verdictOf(verdicts, 1)]).toEqual(['undecided', 'undecided']);
  });
});

describe('a verdict by exclusion', () => {
  const stale = record({ shows: STALE });

  it('has to hold, since a connection goes before its thread, and a read may miss one', () => {
    const bench = new Bench();
    expect(bench.look({ records: [stale], tcp: [ACCEPTED] })).toEqual([]);
    bench.now += 19;
    expect(bench.look({ records: [stale], tcp: [ACCEPTED, DIALLED] })).toEqual([]);
    bench.now += 19;
    expect(bench.look({ records: [stale], tcp: [ACCEPTED] })).toEqual([]);
    bench.now += 20;
    expect(verdictOf(bench.look({ records: [stale], tcp: [ACCEPTED] }))).toBe('accepted');
  });

  it('does not let a single read that misses its connection lose a session', () => {
    const bench = new Bench();
    expect(bench.look({ records: [stale], tcp: [DIALLED] })).toEqual([]);
    bench.now += 500;
    const other = { records: [stale, record({ index: 1, id: 'other', shows: STALE })], own: { 1: 'dialled' } as const };
    expect(verdictOf(bench.watch({ ...other, tcp: [ACCEPTED, DIALLED] }))).toBe('accepted');
  });

  it('takes no connection for a session’s that is older than it', () => {
    const bench = new Bench({ before: { tcp: [DIALLED] } });
    bench.look({ records: [], tcp: [DIALLED] });
    expect(verdictOf(bench.watch({ records: [stale], tcp: [ACCEPTED, DIALLED] }))).toBe('accepted');
  });

  it('knows that a dial begins while its slot shows the session of before', () => {
    const bench = new Bench({ before: { records: [record({ id: 'old', shows: STALE, state: 'INIT_SENT' })] } });
    bench.look({ records: [record({ id: 'old', shows: STALE, state: 'INIT_SENT' })], tcp: [DIALLED] });
    expect(verdictOf(bench.watch({ records: [stale], tcp: [ACCEPTED, DIALLED] }))).toBe('undecided');
  });
});

describe('one that does not live', () => {
  it('is told to be gone where it was accepted or may have been, once', () => {
    const bench = new Bench();
    const closing = record({ state: 'CLOSING', packets: 3, bytes: 368 });
    expect(verdictOf(bench.watch({ records: [closing] }))).toBe('gone');
    expect(bench.watch({ records: [closing] })).toEqual([]);
  });

  it('is told when its thread has ended before anything decided, or never was', () => {
    const [lived, stillborn] = [new Bench(), new Bench()];
    const one = record({ shows: STALE });
    expect(lived.watch({ records: [one], tcp: [ACCEPTED, DIALLED] }, 100)).toEqual([]);
    expect(verdictOf(lived.look({ records: [one], tcp: [DIALLED], dead: [0] }))).toBe('gone');
    expect(verdictOf(stillborn.watch({ records: [one], tcp: [ACCEPTED], dead: [0] }))).toBe('gone');
  });

  it('is waited for while its handshake lasts', () => {
    const bench = new Bench();
    const shaking = record({ packets: 1, bytes: 144 });
    expect(bench.watch({ records: [shaking], tcp: [ACCEPTED] }, 29_000)).toEqual([]);
    expect(verdictOf(bench.watch({ records: [record()], tcp: [ACCEPTED] }))).toBe('accepted');
  });

  it('is not told where it was there before', () => {
    const dead = { records: [record({ packets: 2, bytes: 288 })], dead: [0] };
    expect(new Bench({ before: dead }).watch(dead)).toEqual([]);
  });

  it('is not handed out where nothing but its handshake was heard and it ends at once', () => {
    const bench = new Bench();
    const ghost = record({ packets: 2, bytes: 288 });
    expect(bench.look({ records: [ghost], tcp: [ACCEPTED] })).toEqual([]);
    bench.now += 5;
    expect(verdictOf(bench.look({ records: [ghost], tcp: [ACCEPTED], dead: [0] }))).toBe('gone');
  });

  it('is told at once, as others are, when nobody is handed anything any more', () => {
    const bench = new Bench();
    bench.rule.hurry();
    expect(verdictOf(bench.look({ records: [record({ packets: 2, bytes: 288 })], tcp: [ACCEPTED] }))).toBe('accepted');
  });
});

describe('the peer', () => {
  const peer = (tcp: TcpConnection[], one = record(), options?: { module: boolean }, claimed: TcpConnection[] = []) => {
    const bench = new Bench(options);
    // Their sessions are in the table, or the claims would be forgotten.
    const others = claimed.map((connection, at) => {
      const other = record({ index: at + 1, id: `other ${at}` });
      bench.connections.set(`${other.index}/${other.id}`, connection);
      return other;
    });
    const own = Object.fromEntries(others.map(({ index }) => [index, 'accepted' as const]));
    const [verdict] = bench.watch({ records: [one, ...others], tcp, own });
    if (verdict?.kind !== 'accepted') throw new Error('not accepted');
    return verdict.peer;
  };

  it.each([
    ['one connection is left', [ACCEPTED], [], '192.0.2.7:51000'],
    ['the others are taken', [ACCEPTED, STRANGER], [STRANGER], '192.0.2.7:51000'],
    ['two of one host', [ACCEPTED, SECOND], [], '192.0.2.7:0'],
    ['two hosts', [ACCEPTED, STRANGER], [], '[::]:0'],
    [
      'the other waits to be accepted',
      [ACCEPTED, connection('10.0.0.2:9253', '10.9.9.9:5', true)],
      [],
      '192.0.2.7:51000',
    ],
  ])('%s', (_name, tcp, claimed, shown) => {
    const found = peer(tcp, record(), undefined, claimed);
    expect(found.addr.toString()).toBe(shown);
    expect(found.connection !== null).toBe(found.addr.port !== 0);
  });

  it('is unknown without connections', () => {
    expect(peer([], record({ packets: 2, bytes: 288 })).addr.toString()).toBe('[::]:0');
  });

  it('is the one that a served device shows, with the port that TCP tells', () => {
    const one = { ...record(), peerAddr: toMapped(new Addr('192.0.2.7', 1)) };
    expect(peer([ACCEPTED, STRANGER], one, NO_MODULE).addr.toString()).toBe('192.0.2.7:51000');
    expect(peer([STRANGER], one, NO_MODULE).addr.toString()).toBe('192.0.2.7:0');
  });

  it('may be any of those who are connected', () => {
    expect(peer([ACCEPTED, STRANGER]).possible.map(String)).toEqual(['192.0.2.7:51000', '198.51.100.1:1']);
  });

  it('may be one whose handshake was under way when listening began', () => {
    // Another program's dials count as sessions that began, and own no connection to the port.
    const theirs = record({ index: 1, id: 'theirs', shows: STALE });
    const half = record({ packets: 1, bytes: 144, state: 'ESTABLISHED' });
    const bench = new Bench({ before: { records: [half, theirs], tcp: [ACCEPTED, DIALLED] } });
    const next = record({ index: 2, id: 'next', state: 'IDLE', packets: 0, bytes: 0 });
    bench.look({ records: [half, theirs, next], tcp: [ACCEPTED, DIALLED, STRANGER] });
    const [verdict] = bench.watch({ records: [record(), theirs, next], tcp: [ACCEPTED, DIALLED, STRANGER] });
    expect(verdict?.kind === 'accepted' && verdict.peer.possible.map(String)).toContain('192.0.2.7:51000');
  });

  it('is not one that was connected before the slot was last seen empty', () => {
    const theirs = record({ index: 1, id: 'theirs' });
    const bench = new Bench({ before: { records: [theirs], tcp: [ACCEPTED] } });
    const [verdict] = bench
      .watch({ records: [theirs], tcp: [ACCEPTED] })
      .concat(bench.watch({ records: [record(), theirs], tcp: [ACCEPTED, STRANGER] }));
    expect(verdict?.kind === 'accepted' && verdict.peer.possible.map(String)).toEqual(['198.51.100.1:1']);
  });

  it('may be one that was connected a look before its slot was last seen empty: the module takes the slot after that', () => {
    const bench = new Bench();
    const half = record({ index: 1, id: 'half', packets: 1, bytes: 144 });
    bench.look({ records: [half], tcp: [ACCEPTED] });
    bench.look({ records: [half], tcp: [ACCEPTED, STRANGER] });
    const [verdict] = bench.watch({ records: [record(), half], tcp: [ACCEPTED, STRANGER] });
    expect(verdict?.kind === 'accepted' && verdict.peer.possible.map(String)).toContain('192.0.2.7:51000');
  });

  it('is not one whose connection another living session needs', () => {
    const bench = new Bench();
    const [first] = bench.watch({ records: [record()], tcp: [ACCEPTED] });
    const second = record({ index: 1, id: 'second' });
    const [next] = bench.watch({ records: [record(), second], tcp: [ACCEPTED, STRANGER] });
    expect([first, next].map((one) => (one?.kind === 'accepted' ? one.peer.addr.toString() : one?.kind))).toEqual([
      '192.0.2.7:51000',
      '198.51.100.1:1',
    ]);
  });
});
