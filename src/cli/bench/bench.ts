/** `pool-ts bench`: one session, first as much as goes, then one message at a time. */
import { dial, type DialOptions } from '../../index.js';
import { print, tell, type Terminal } from '../terminal.js';
import { greet, roundTrips, throughput } from './measure.js';
import { startOwnPeer } from './own-peer.js';
import { type BenchResult, reportLines } from './report.js';

export interface BenchOptions {
  /** Undefined: a peer of our own. */
  address: string | undefined;
  dial: DialOptions;
  /** Bytes of a message, in each of the two. */
  bulkSize: number;
  echoSize: number;
  /** Of each of the two. */
  ms: number;
  json: boolean;
  /** How to start this program again. */
  program: readonly string[];
}

/** Measures and prints. */
export async function bench(terminal: Terminal, options: BenchOptions): Promise<void> {
  const own = options.address === undefined ? await startOwnPeer(options.program, terminal.stderr) : null;
  try {
    const result = await measured(terminal, options.address ?? own!.address, options);
    await print(terminal, options.json ? JSON.stringify(result) : reportLines(result).join('\n'));
  } finally {
    await own?.stop();
  }
}

async function measured(terminal: Terminal, address: string, options: BenchOptions): Promise<BenchResult> {
  const { stop: signal } = terminal;
  const { ms, bulkSize, echoSize } = options;
  const conn = await dial(address, { ...options.dial, signal });
  try {
    await greet(conn, signal);
    const seconds = `${ms / 1000} s`;
    tell(terminal, `measuring throughput for ${seconds} …`);
    const bulk = await throughput(conn, { size: bulkSize, ms, signal });
    tell(terminal, `measuring round trips for ${seconds} …`);
    const trips = await roundTrips(conn, { size: echoSize, ms, signal });
    return { peer: conn.remoteAddr.toString(), backend: conn.backend, throughput: bulk, roundTrips: trips };
  } finally {
    await conn.close().catch(() => undefined);
  }
}
