/** `pool-ts bench`: one session, first as much as goes, then one message at a time. */
import { type Conn, dial, type DialOptions } from '../../index.js';
import { dialPeer } from '../peers/dial-peer.js';
import type { ProofFlags } from '../peers/proof-flags.js';
import { print, tell, type Terminal } from '../terminal.js';
import { greet, roundTrips, throughput } from './measure.js';
import { type OwnPeer, startOwnPeer } from './own-peer.js';
import { type BenchResult, reportLines } from './report.js';

export interface BenchOptions {
  /** Undefined: a peer of our own. */
  address: string | undefined;
  dial: DialOptions;
  /** Who the two are. A peer of our own is asked nothing. */
  proof?: ProofFlags;
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
    const conn = await connected(terminal, own, options);
    const result = await measured(terminal, conn, options);
    await print(terminal, options.json ? JSON.stringify(result) : reportLines(result).join('\n'));
  } finally {
    await own?.stop();
  }
}

function connected(terminal: Terminal, own: OwnPeer | null, options: BenchOptions): Promise<Conn> {
  const dialling = { ...options.dial, signal: terminal.stop };
  if (own !== null) return dial(own.address, dialling);
  return dialPeer(terminal, options.address!, options.proof ?? {}, dialling);
}

async function measured(terminal: Terminal, conn: Conn, options: BenchOptions): Promise<BenchResult> {
  const { stop: signal } = terminal;
  const { ms, bulkSize, echoSize } = options;
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
