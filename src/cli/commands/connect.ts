/** `pool-ts connect host:port`: a netcat's client. */
import { Command } from 'commander';
import { dialOptions, idleOptions, peerAddress, PORT_APART, withTimeout } from '../common-options.js';
import { type NetcatFlags, withNetcatOptions } from '../netcat/netcat-options.js';
import { tell, type Terminal } from '../terminal.js';

const EXAMPLES = `
At the end of its input it waits until nothing came for 1 s, and closes the session: POOL can't tell a peer that only the
input has ended. A peer that takes longer to answer needs a longer --quit-after, or 'never' to wait until it closes.

A kernel module as the peer may discard what its program has not read when the session closes: with a short --quit-after the
last bytes can be lost there. Use 'never' and let the peer close, or pool-ts send, which waits for a confirmation.

A program that is killed on a kernel module leaves its session behind, which looks alive: --idle-timeout gives it up.

Examples:
  pool-ts connect 10.0.0.1:9253                   type lines; ^D ends
  pool-ts connect 10.0.0.1 9253                   the same, as nc has it
  echo hi | pool-ts connect 10.0.0.1:9253         send, print what comes back, end
  pool-ts connect -q 0 10.0.0.1:9253 < file       send a file, and close at once
  pool-ts connect -q never 10.0.0.1:9253 > file < /dev/null
                                                  receive until the peer closes
  pool-ts connect --messages --channel 5 [::1]    each line is a message of channel 5; port 9253`;

export function connectCommand(terminal: Terminal): Command {
  const command = new Command('connect')
    .description('talk to a POOL peer through standard input and output, as netcat does')
    .argument('<host:port>', 'the peer; the port is 9253 where it is left out')
    .argument(...PORT_APART);
  return withTimeout(withNetcatOptions(command, 'dials', { ms: 1000, text: '1' }))
    .addHelpText('after', EXAMPLES)
    .action((host: string, port: string | undefined, flags: NetcatFlags) =>
      connect(terminal, peerAddress(host, port), flags),
    );
}

async function connect(terminal: Terminal, address: string, flags: NetcatFlags): Promise<void> {
  const { dialPeer } = await import('../peers/dial-peer.js');
  const { proofText } = await import('../peers/proof.js');
  const { hold } = await import('../netcat/session.js');
  const { converseOnTerminal } = await import('../netcat/terminal-conversation.js');
  const { channel, verbose } = flags;
  const channels = channel === 0 ? [] : [channel];
  const options = { ...dialOptions(flags), ...idleOptions(flags), channels, signal: terminal.stop };
  const conn = await dialPeer(terminal, address, flags, options);
  if (verbose) tell(terminal, `connected to ${conn.remoteAddr.toString()} (${conn.backend} backend${proofText(conn)})`);
  await hold(conn, channel, converseOnTerminal(terminal, flags));
}
