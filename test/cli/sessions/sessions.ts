/** Sessions for tests, as a device lists them and as `top` knows them. */
import type { Device } from '../../../src/poolioc/index.js';
import { SessionHistory, type WatchedSession } from '../../../src/cli/sessions/session-history.js';
import { sessionRow } from '../../../src/cli/sessions/session-row.js';

export type Info = Awaited<ReturnType<Device['sessions']>>[number];

const mapped = (last: number) => Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 168, 200, last]);
export const V6 = Uint8Array.from([0x20, 1, 0xd, 0xb8, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6]);

/** An established session in slot `index`, with some traffic. */
export function info(index: number, changes: Partial<Info> = {}): Info {
  return {
    index,
    peerAddr: index % 5 === 4 ? V6 : mapped(100 + index),
    peerPort: 50_000 + index,
    addrFamily: 10,
    state: 3,
    sessionId: new Uint8Array(16).fill(index),
    bytesSent: BigInt(index * 1_000_003),
    bytesRecv: BigInt(index * 70_001),
    packetsSent: 10n,
    packetsRecv: 12n,
    rekeyCount: 22,
    telemetry: {
      rttNs: BigInt((index + 1) * 313_000),
      jitterNs: BigInt(index * 10_000),
      lossRatePpm: index % 3 === 0 ? 0 : index * 1234,
      throughputBps: 5,
      mtuCurrent: 1400,
      queueDepth: index,
      uptimeNs: BigInt(index) * 1_000_000_000_000n,
      rekeyCount: 0,
      configVersion: 1,
    },
    ...changes,
  };
}

/** `count` sessions after 50 looks, one a second. */
export function watched(count: number): WatchedSession[] {
  const history = new SessionHistory();
  let sessions: WatchedSession[] = [];
  for (let second = 0; second < 50; second += 1) {
    const grown = (index: number, rate: number): bigint =>
      BigInt(Math.floor(rate * (index + 1) * (4 + 1.2 * second + 3 * Math.sin(second / 5 + index))));
    const infos = Array.from({ length: count }, (_, index) =>
      info(index, { bytesSent: grown(index, 9_000), bytesRecv: grown(index, 500) }),
    );
    sessions = history.add(infos.map(sessionRow), second * 1000);
  }
  return sessions;
}
