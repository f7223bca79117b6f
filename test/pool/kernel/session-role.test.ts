import { describe, expect, it } from 'vitest';
import { Addr } from '../../../src/pool/addr.js';
import { toMapped } from '../../../src/pool/kernel/mapped-address.js';
import type { SessionRecord } from '../../../src/pool/kernel/session-record.js';
import { peerOf, roleOf, type Role, type RoleSigns } from '../../../src/pool/kernel/session-role.js';
import type { TcpConnection } from '../../../src/pool/kernel/tcp-table.js';

const PORT = 9253;
const STALE = '10.0.0.5:9253';

interface Shown {
  index?: number;
  id?: string;
  /** What the slot last dialled. */
  shows?: string;
  packets?: number;
  bytes?: number;
}

function record({ index = 0, id = 'id', shows = '[::]:0', packets = 9, bytes = 5000 }: Shown = {}): SessionRecord {
  const addr = Addr.parse(shows);
  const none = {
    rttNs: 0n,
    jitterNs: 0n,
    lossRatePpm: 0,
    throughputBps: 0,
    mtuCurrent: 0,
    queueDepth: 0,
    uptimeNs: 0n,
  };
  return {
    index,
    id,
    state: 'ESTABLISHED',
    peerAddr: toMapped(addr),
    peerPort: addr.port,
    bytesSent: 0n,
    bytesRecv: BigInt(bytes),
    packetsSent: 0n,
    packetsRecv: BigInt(packets),
    packetsSinceRekey: 0,
    telemetry: { ...none, rekeyCount: 0, configVersion: 0 },
  };
}

function connection(local: string, remote: string): TcpConnection {
  const end = (text: string) => ({ address: Addr.parse(text).address, port: Addr.parse(text).port });
  return { local: end(local), remote: end(remote) };
}

const ACCEPTED = connection('10.0.0.2:9253', '192.0.2.7:51000');
const DIALLED = connection('10.0.0.2:40000', STALE);

interface SignOptions {
  listening?: boolean;
  module?: boolean;
  /** Roles by index. */
  known?: Record<number, Role>;
  claimed?: TcpConnection[];
}

function signs(
  table: SessionRecord[],
  tcp: TcpConnection[],
  { listening = true, module = true, known = {}, claimed = [] }: SignOptions = {},
): RoleSigns {
  return {
    table,
    module,
    port: PORT,
    tcp: { listening: new Set(listening ? [PORT] : []), established: tcp },
    roleOf: ({ index }) => known[index] ?? null,
    claimed: (one) => claimed.includes(one),
    before: () => false,
  };
}

describe('accepted or dialled', () => {
  const cases: [name: string, role: Role | null, one: SessionRecord, signs: (one: SessionRecord) => RoleSigns][] = [
    ['known', 'dialled', record(), (one) => signs([one], [ACCEPTED], { known: { 0: 'dialled' } })],
    [
      '288 bytes in two packets',
      'accepted',
      record({ packets: 2, bytes: 288 }),
      (one) => signs([one], [], { listening: false }),
    ],
    ['258 bytes in two packets', 'dialled', record({ packets: 2, bytes: 258 }), (one) => signs([one], [ACCEPTED])],
    [
      '258 bytes in three packets say nothing',
      'accepted',
      record({ packets: 3, bytes: 258 }),
      (one) => signs([one], [ACCEPTED]),
    ],
    [
      'no connection to the listening port is left',
      'dialled',
      record(),
      (one) => signs([one], [ACCEPTED], { claimed: [ACCEPTED] }),
    ],
    ['no connection to what it shows', 'accepted', record({ shows: STALE }), (one) => signs([one], [ACCEPTED])],
    ['a connection to either', null, record({ shows: STALE }), (one) => signs([one], [ACCEPTED, DIALLED])],
    [
      'the connection to what it shows is another session’s',
      'accepted',
      record({ shows: STALE }),
      (one) =>
        signs([one, record({ index: 1, id: 'other', shows: STALE })], [ACCEPTED, DIALLED], { known: { 1: 'dialled' } }),
    ],
    [
      'connections of another network namespace',
      null,
      record(),
      (one) => signs([one], [ACCEPTED], { listening: false }),
    ],
    [
      'the other end of one that was dialled here',
      'accepted',
      record(),
      (one) => signs([one, record({ index: 1 })], [], { listening: false, known: { 1: 'dialled' } }),
    ],
    [
      'the other end of one that was accepted here',
      'dialled',
      record({ shows: STALE }),
      (one) => signs([one, record({ index: 1, packets: 2, bytes: 288 })], [ACCEPTED, DIALLED]),
    ],
    ['port 0 on the module', null, record(), (one) => signs([one], [], { listening: false })],
    ['port 0 on a served device', 'accepted', record(), (one) => signs([one], [], { listening: false, module: false })],
    [
      'a port on a served device',
      null,
      record({ shows: STALE }),
      (one) => signs([one], [], { listening: false, module: false }),
    ],
  ];

  it.each(cases)('%s: %s', (_name, role, one, make) => {
    expect(roleOf(one, make(one))).toBe(role);
  });
});

describe('the peer', () => {
  const second = connection('10.0.0.2:9253', '192.0.2.7:51001');
  const stranger = connection('10.0.0.2:9253', '198.51.100.1:1');

  it.each([
    ['one connection is left', [ACCEPTED], [], '192.0.2.7:51000'],
    ['the others are taken', [ACCEPTED, stranger], [stranger], '192.0.2.7:51000'],
    ['two of one host', [ACCEPTED, second], [], '192.0.2.7:0'],
    ['two hosts', [ACCEPTED, stranger], [], '[::]:0'],
    ['none', [DIALLED], [], '[::]:0'],
  ])('%s', (_name, tcp, claimed, shown) => {
    const one = record({ shows: STALE });
    const peer = peerOf(one, signs([one], tcp, { claimed }));
    expect(peer.addr.toString()).toBe(shown);
    expect(peer.connection !== null).toBe(peer.addr.port !== 0);
  });

  it('is the one that a served device shows, with the port that TCP tells', () => {
    const one = { ...record(), peerAddr: toMapped(new Addr('192.0.2.7', 1)) };
    expect(peerOf(one, signs([one], [ACCEPTED, stranger], { module: false })).addr.toString()).toBe('192.0.2.7:51000');
    expect(peerOf(one, signs([one], [stranger], { module: false })).addr.toString()).toBe('192.0.2.7:0');
  });

  it('may be any of those who are connected', () => {
    const one = record();
    expect(peerOf(one, signs([one], [ACCEPTED, stranger])).possible.map(String)).toEqual([
      '192.0.2.7:51000',
      '198.51.100.1:1',
    ]);
  });
});
