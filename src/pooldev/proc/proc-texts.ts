/**
 * The texts that the module shows under /proc/pool, of a node in user space: same lines, same columns. What such a node does
 * not have is empty: a key of its own (each session makes one), and a journal.
 */
import type { SessionStateName } from '../../base/session.js';
import { ipFromBytes, isV4Mapped } from '../../base/ip.js';
import { MAX_SESSIONS, VERSION } from '../../poolioc/abi/constants.js';
import type { NodeSessionInfo } from '../../poolnode/types.js';
import type { ShownPeer } from '../requests/session-record.js';

/** A slot in use as its record shows it. */
export interface SlotRow {
  info: NodeSessionInfo;
  state: SessionStateName;
  peer: ShownPeer;
}

export interface ProcState {
  listening: boolean;
  /** The last one that was listened on; 0 before the first. */
  port: number;
  rows: readonly SlotRow[];
}

/** The files of /proc/pool by name. */
export const PROC_TEXTS: Readonly<Record<string, (state: ProcState) => string>> = {
  status: ({ listening, port, rows }) =>
    [
      `POOL Protocol v${VERSION}`,
      `Status: ${listening ? 'listening' : 'idle'}`,
      `Listen port: ${port}`,
      `Active sessions: ${rows.length} / ${MAX_SESSIONS}`,
      `Node pubkey: ${'00'.repeat(8)}...`,
      'Journal entries: 0',
      '',
    ].join('\n'),
  sessions: ({ rows }) =>
    table(
      [4, 16, 6, 12, 12, 12, 12, 8],
      ['IDX', 'PEER', 'PORT', 'STATE', 'SENT', 'RECV', 'PKTS_SENT', 'REKEYS'],
      rows.map(({ info, state, peer }) => [
        info.index,
        // The module pads the address with four blanks, whatever its length.
        `${peerColumn(peer.address)}    `,
        peer.port,
        state,
        info.bytesSent,
        info.bytesReceived,
        info.packetsSent,
        info.packetsSinceRekey,
      ]),
      [1],
    ),
  telemetry: ({ rows }) =>
    table(
      [4, 12, 12, 12, 12, 6, 12],
      ['IDX', 'RTT(us)', 'JITTER(us)', 'LOSS(ppm)', 'THRU(Mbps)', 'MTU', 'UPTIME(s)'],
      rows
        .filter(({ state }) => state === 'ESTABLISHED')
        .map(({ info: { index, telemetry } }) => [
          index,
          telemetry.rttNs / 1000n,
          telemetry.jitterNs / 1000n,
          telemetry.lossRatePpm,
          Math.floor(telemetry.throughputBps / 1_000_000),
          telemetry.mtuCurrent,
          telemetry.uptimeNs / 1_000_000_000n,
        ]),
    ),
  journal: () => table([4, 20, 12, 6, 6], ['IDX', 'TIMESTAMP', 'TYPE', 'V_BEF', 'V_AFT'], []),
};

/** Columns as printf's `%-<width>`; rows, but not the head, are not padded in the columns `ragged`. */
function table(
  widths: readonly number[],
  head: readonly string[],
  rows: readonly (readonly (string | number | bigint)[])[],
  ragged: readonly number[] = [],
): string {
  const line = (cells: readonly (string | number | bigint)[], pad: (column: number) => boolean): string =>
    cells.map((cell, column) => (pad(column) ? String(cell).padEnd(widths[column] ?? 0) : String(cell))).join(' ');
  return [line(head, () => true), ...rows.map((row) => line(row, (column) => !ragged.includes(column))), ''].join('\n');
}

/** As the kernel's `%pI6c`: shortened, IPv4-mapped ones with dots. */
function peerColumn(address: Uint8Array): string {
  return isV4Mapped(address) ? `::ffff:${ipFromBytes(address)}` : ipFromBytes(address);
}
