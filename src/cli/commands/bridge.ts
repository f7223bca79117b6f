/** `pool-ts bridge`: TCP to POOL and back. */
import { Command } from 'commander';
import {
  dialOptions,
  type IdleFlags,
  idleOptions,
  integer,
  listenAddress,
  seconds,
  secondsOption,
  type SessionFlags,
  sessionOptions,
  withIdleTimeout,
  withSessionOptions,
} from '../common-options.js';
import type { Links } from '../bridge/open-links.js';
import type { Front } from '../bridge/tcp-to-pool.js';
import type { ProofUse } from '../peers/proof-flags.js';
import type { Terminal } from '../terminal.js';

interface BridgeFlags extends SessionFlags, IdleFlags {
  maxConnections: number;
  halfCloseTimeout: number;
  grace: number;
  interval?: number;
  quiet?: boolean;
  json?: boolean;
}

/** ms that connecting to TCP may take where --timeout doesn't say otherwise. */
const TCP_TIMEOUT_MS = 10_000;

const HOW = `
POOL has no half close, so a TCP FIN is not passed on: the POOL session is closed when the other direction has ended too, or
when nothing came from there for --half-close-timeout. A session that breaks resets the TCP connection, and the reverse:
what was cut off never looks like an end, but on a unix socket, which has no reset. A destination that can't be reached
resets the side that was accepted; a client of socks2pool is told the reason first.

A program that is killed on a kernel module leaves its session behind, which looks alive: --idle-timeout gives it up. A
kernel module listens on all addresses of the machine: pool2tcp's <listen> is :port there.

Whoever reaches pool2tcp's port reaches the TCP service behind it, and POOL by itself does not tell who that is: --identity
and --peers, or --psk-file, on both bridges let in whom you name. pool-ts keygen makes keys. tcp2pool and socks2pool ask nobody
about a peer that is not known: meet it once by pool-ts connect, or name its key by --peers.

^C stops accepting, gives what is open --grace to end, closes what is idle then and breaks off what is not.
`;

const EXAMPLES = `
Examples:
  pool-ts bridge pool2tcp :9253 127.0.0.1:80           on the server: POOL peers reach its web server
  pool-ts bridge tcp2pool 127.0.0.1:8080 server:9253   on the client: curl http://127.0.0.1:8080/
  pool-ts bridge pool2tcp :9253 unix:/run/web.sock     a unix socket, also to listen on
  pool-ts bridge tcp2pool systemd server:9253          the socket of a .socket unit
  pool-ts bridge socks2pool 127.0.0.1:1080             any server: curl --proxy socks5h://127.0.0.1:1080 http://server:9253/
  pool-ts bridge pool2tcp :9253 127.0.0.1:80 --identity id --peers clients
  pool-ts bridge tcp2pool 127.0.0.1:8080 server:9253 --identity id --peers server.pub`;

export function bridgeCommand(terminal: Terminal): Command {
  return new Command('bridge')
    .description('carry TCP connections over POOL')
    .addHelpText('after', EXAMPLES)
    .addCommand(tcpToPoolCommand(terminal))
    .addCommand(poolToTcpCommand(terminal))
    .addCommand(socksToPoolCommand(terminal));
}

function tcpToPoolCommand(terminal: Terminal): Command {
  const command = new Command('tcp2pool')
    .description('accept TCP connections, and dial a POOL session for each')
    .argument('<listen>', 'host:port of TCP, :port for every address of the machine, unix:PATH, or systemd')
    .argument('<destination>', 'host:port of POOL');
  return withBridgeOptions(command, 'dials')
    .addHelpText('after', HOW + EXAMPLES)
    .action(async (at: string, destination: string, flags: BridgeFlags) => {
      const { parseStreamAddress } = await import('../bridge/stream-address.js');
      const { dialProofOptions } = await import('../peers/dial-peer.js');
      const { checkPoolAddress, tcpToPool, toDestination } = await import('../bridge/tcp-to-pool.js');
      const address = parseStreamAddress(at, 'listen', terminal.env);
      const session = { ...dialOptions(flags), ...idleOptions(flags) };
      await checkPoolAddress(destination, session);
      const dial = { ...session, ...(await dialProofOptions(terminal, destination, flags, session)) };
      const { halfCloseTimeout } = flags;
      await run(terminal, 'tcp2pool', flags, `POOL ${destination}`, (links) =>
        tcpToPool(address, { links, halfCloseTimeout, dialled: toDestination(destination, dial) }),
      );
    });
}

function socksToPoolCommand(terminal: Terminal): Command {
  const command = new Command('socks2pool')
    .description('accept SOCKS 5, and dial a POOL session to wherever each client asks for')
    .argument('<listen>', 'host:port of TCP, unix:PATH, or systemd; who reaches it reaches what this machine does');
  return withBridgeOptions(command, 'dials')
    .addHelpText('after', HOW + EXAMPLES)
    .action(async (at: string, flags: BridgeFlags) => {
      const { parseStreamAddress } = await import('../bridge/stream-address.js');
      const { dialProofOptions } = await import('../peers/dial-peer.js');
      const { dialProof } = await import('../peers/proof.js');
      const { checkPoolAddress, tcpToPool, toRequested } = await import('../bridge/tcp-to-pool.js');
      const address = parseStreamAddress(at, 'listen', terminal.env);
      const session = { ...dialOptions(flags), ...idleOptions(flags) };
      // Options and files are read for each client; a mistake in them is told now.
      await checkPoolAddress('localhost', session);
      await dialProof(flags, terminal.env);
      const { halfCloseTimeout } = flags;
      const dialled = toRequested(async (destination) => ({
        ...session,
        ...(await dialProofOptions(terminal, destination, flags, session)),
      }));
      await run(terminal, 'socks2pool', flags, 'POOL, by SOCKS 5', (links) =>
        tcpToPool(address, { links, halfCloseTimeout, dialled }),
      );
    });
}

function poolToTcpCommand(terminal: Terminal): Command {
  const command = new Command('pool2tcp')
    .description('accept POOL sessions, and make a TCP connection for each')
    .argument('<listen>', 'host:port of POOL, or :port for every address of the machine')
    .argument('<destination>', 'host:port of TCP, or unix:PATH');
  return withBridgeOptions(command, 'listens')
    .addHelpText('after', HOW + EXAMPLES)
    .action(async (at: string, destination: string, flags: BridgeFlags) => {
      const { parseStreamAddress } = await import('../bridge/stream-address.js');
      const { poolToTcp } = await import('../bridge/pool-to-tcp.js');
      const { listenProof } = await import('../peers/proof.js');
      const address = parseStreamAddress(destination, 'connect');
      const { halfCloseTimeout, maxConnections, timeout = TCP_TIMEOUT_MS } = flags;
      const proof = await listenProof(flags, terminal.env);
      const listen = {
        ...sessionOptions(flags),
        ...idleOptions(flags),
        ...proof,
        maxConnections,
        signal: terminal.stop,
      };
      await run(terminal, 'pool2tcp', flags, `TCP ${destination}`, (links) =>
        poolToTcp(listenAddress(at), address, { links, halfCloseTimeout, timeout, listen }),
      );
    });
}

function withBridgeOptions(command: Command, role: ProofUse): Command {
  const bridging = withIdleTimeout(
    command
      .option('--max-connections <number>', 'connections at a time; further ones are reset', integer({ min: 1 }), 256)
      .addOption(
        secondsOption('--half-close-timeout <seconds>', 'time for the other side after a FIN, see below', {
          usual: 10,
          min: 0,
        }),
      )
      .addOption(
        secondsOption('--grace <seconds>', 'time that ^C leaves to what is open, 0 to 4', { usual: 3, min: 0, max: 4 }),
      )
      .option('--timeout <seconds>', 'give up connecting to the destination after this long', seconds({ min: 0.001 }))
      .option('--interval <seconds>', 'time from one status to the next', seconds({ min: 0.1 }))
      .option('--quiet', 'no status, only failures')
      .option('--json', 'what happens as JSON, a line each, on standard output'),
  );
  return withSessionOptions(bridging, role);
}

async function run(
  terminal: Terminal,
  name: string,
  flags: BridgeFlags,
  destination: string,
  open: (links: Links) => Promise<Front>,
): Promise<void> {
  const { Links: LinksOfBridge } = await import('../bridge/open-links.js');
  const { makeReporter } = await import('../bridge/reporter.js');
  const { runBridge } = await import('../bridge/run-bridge.js');
  const { json = false, quiet = false, interval, grace } = flags;
  const command = `pool-ts bridge ${name}`;
  const reporter = await makeReporter(terminal, { command, json, quiet, interval });
  const links = new LinksOfBridge(flags.maxConnections, (peer, error) => reporter.broken(peer, error));
  const front = await open(links);
  reporter.listening(front.address, destination);
  await runBridge(front, { links, reporter, grace, stop: terminal.stop });
}
