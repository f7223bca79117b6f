/** `pool-ts telemetry host:port`: one session of its own to a peer, and how it is doing. */
import { Command, Option } from 'commander';
import {
  dialOptions,
  integer,
  peerAddress,
  PORT_APART,
  secondsOption,
  type SessionFlags,
  withSessionOptions,
  withTimeout,
} from '../common-options.js';
import { tell, type Terminal } from '../terminal.js';

interface TelemetryFlags extends SessionFlags {
  /** ms */
  interval: number;
  count?: number;
  csv?: boolean;
  json?: boolean;
}

const EXAMPLES = `
Examples:
  pool-ts telemetry 10.0.0.1:9253                    a live plot of RTT, rates, loss, jitter and queue; q quits
  pool-ts telemetry 10.0.0.1:9253 --interval 5 --csv > link.csv
  pool-ts telemetry 10.0.0.1:9253 --count 60 --json | jq .rttUs
  pool-ts telemetry 10.0.0.1:9253 | tee log          plain lines where the output is no terminal

It dials a session of its own, sends no data, and drops what the peer sends. The round trip is that of heartbeats: the first
one goes out after 5 s, and until then RTT and jitter are unknown (–, empty, null). Rates are those of the byte counters.
Over the kernel module RTT, jitter and loss (marked *) are its own figures, which count idle time and mislead.
It ends with 0 after --count samples or q, and with 1 when the peer closes the session or is lost.`;

export function telemetryCommand(terminal: Terminal): Command {
  const command = new Command('telemetry')
    .description('dial a peer and watch the session: round trip, jitter, loss, throughput, queue')
    .argument('<host:port>', 'whom to dial')
    .argument(...PORT_APART)
    .addOption(secondsOption('--interval <seconds>', 'time between two samples', { usual: 1, min: 0.05, max: 3600 }))
    .option('--count <n>', 'end after so many samples', integer({ min: 1 }))
    .addOption(new Option('--csv', 'lines of CSV, the first one with names').conflicts('json'))
    .option('--json', 'each sample as one line of JSON');
  return withTimeout(withSessionOptions(command, 'dials'))
    .addHelpText('after', EXAMPLES)
    .action((host: string, port: string | undefined, flags: TelemetryFlags) =>
      telemetry(terminal, peerAddress(host, port), flags),
    );
}

async function telemetry(terminal: Terminal, address: string, flags: TelemetryFlags): Promise<void> {
  const { dialPeer } = await import('../peers/dial-peer.js');
  const { isModule, watch } = await import('../telemetry/watch.js');
  const options = { ...dialOptions(flags), signal: terminal.stop };
  const conn = await dialPeer(terminal, address, flags, options);
  try {
    if (terminal.stdout.isTTY !== true) {
      tell(terminal, `connected to ${conn.remoteAddr.toString()} (${conn.backend} backend); RTT is known after 5 s`);
    }
    await watch(terminal, conn, {
      intervalMs: flags.interval,
      count: flags.count,
      format: flags.json === true ? 'json' : flags.csv === true ? 'csv' : 'auto',
      isModule: await isModule(conn.backend, flags.device, terminal.env),
    });
  } finally {
    await conn.close().catch(() => undefined);
  }
}
