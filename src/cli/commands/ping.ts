/** `pool-ts ping host:port`: whether a peer answers, and how fast. */
import { Command } from 'commander';
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
import type { Terminal } from '../terminal.js';

interface PingFlags extends SessionFlags {
  count?: number;
  /** ms */
  interval: number;
  roundTrip?: boolean;
  quiet?: boolean;
  json?: boolean;
}

const EXAMPLES = `
Each dial is a session of its own: lookup, TCP, the whole handshake, and closed again; its time is that of two round trips and of
the cryptography at both ends. With --round-trip it holds one session, whose heartbeats measure the round trip; they come each 5
s. Over the kernel module that figure is the module's own, which counts idle time and misleads.

Examples:
  pool-ts ping 10.0.0.1:9253                   a dial each second, until ^C
  pool-ts ping -c 4 server                     four of them; the port is 9253
  pool-ts ping -q -c 1 --timeout 2 [::1]       for a script, or a probe: the exit code says it
  pool-ts ping --round-trip -c 3 server:9253   three heartbeats of one session
  pool-ts ping --json -c 10 server | jq .handshakeMs

It ends with 0 when a dial gave a session, and with 1 when none did.`;

export function pingCommand(terminal: Terminal): Command {
  const command = new Command('ping')
    .description('dial a peer again and again, and tell how long each handshake took')
    .argument('<host:port>', 'the peer; the port is 9253 where it is left out')
    .argument(...PORT_APART)
    .option('-c, --count <n>', 'end after so many', integer({ min: 1 }))
    .addOption(secondsOption('-i, --interval <seconds>', 'time between two dials', { usual: 1, min: 0.01, max: 3600 }))
    .option('--round-trip', 'hold one session, and tell what its heartbeats measure')
    .option('-q, --quiet', 'only the figures at the end')
    .option('--json', 'each as one line of JSON');
  return withTimeout(withSessionOptions(command, 'dials'))
    .addHelpText('after', EXAMPLES)
    .action((host: string, port: string | undefined, flags: PingFlags) =>
      ping(terminal, peerAddress(host, port), flags),
    );
}

async function ping(terminal: Terminal, peer: string, flags: PingFlags): Promise<void> {
  const { dial } = await import('../../index.js');
  const { dialProofOptions } = await import('../peers/dial-peer.js');
  const { pingHandshakes, pingRoundTrips } = await import('../ping/ping.js');
  const { count, interval: intervalMs, quiet = false, json = false } = flags;
  const run = flags.roundTrip === true ? pingRoundTrips : pingHandshakes;
  const session = dialOptions(flags);
  const proof = await dialProofOptions(terminal, peer, flags, session);
  const options = { count, intervalMs, quiet, json, dial: { ...session, ...proof } };
  await run(terminal, peer, options, { dial, now: () => performance.now() });
}
