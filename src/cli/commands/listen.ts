/** `pool-ts listen [:port]`: a netcat's server. */
import { Command, Option } from 'commander';
import { onAbort } from '../../base/abort.js';
import type { Conn, Listener } from '../../index.js';
import { lineOf } from '../cli-error.js';
import { idleOptions, integer, listenAddress, PORT_APART, seconds, sessionOptions } from '../common-options.js';
import { type NetcatFlags, withNetcatOptions } from '../netcat/netcat-options.js';
import { tell, type Terminal } from '../terminal.js';

interface ListenFlags extends NetcatFlags {
  exec?: string;
  keepOpen?: boolean;
  maxConnections: number;
}

const EXAMPLES = `
It serves one session and ends with it; the session ends when the peer closes it, or as --quit-after says. With
--keep-open it serves one after the other, and with --exec as well many at a time: a command for each, which has 3 s to end
once its session has.

A kernel module listens on all addresses of the machine: there it is :9253, and not 127.0.0.1:9253. It may discard what its
program has not read when the peer closes. A program that is killed on a kernel module leaves its session behind, which looks
alive: --idle-timeout gives it up.

Whoever reaches the port talks to the command of --exec, unless --identity and --peers, or --psk-file, say who may: without
them POOL doesn't prove who a peer is.

Examples:
  pool-ts listen                                       print what the first peer of port 9253 sends
  pool-ts listen 127.0.0.1:0 > file                    a free port, which is told on standard error
  pool-ts listen -q 0 :9253 < file                     send a file to whoever connects, and close
  pool-ts listen -k --exec 'sed -u s/^/+/' localhost   a service on port 9253 of this machine
  pool-ts listen -k --messages --channel 5 :9253       each message of channel 5 is a line
  pool-ts listen -v --identity id --peers friends      for those whose keys are in the file friends`;

export function listenCommand(terminal: Terminal): Command {
  const command = new Command('listen')
    .description('wait for a POOL peer and talk to it through standard input and output, as netcat does')
    .argument('[host:port]', 'where to listen; every address of the machine where the host is left out', ':9253')
    .argument(...PORT_APART)
    .option('--exec <command>', "give each session to a command of the shell: its input and output are the peer's")
    .option('-k, --keep-open', 'go on after the first session')
    .option('--max-connections <number>', 'sessions at a time, with -k and --exec', integer({ min: 1 }), 64)
    .addOption(
      new Option('--timeout <seconds>', 'give up when nobody has connected after so long')
        .argParser(seconds({ min: 0.001 }))
        .conflicts('keepOpen'),
    );
  return withNetcatOptions(command, 'listens', { ms: Infinity, text: 'never' })
    .addHelpText('after', EXAMPLES)
    .action((host: string, port: string | undefined, flags: ListenFlags) =>
      serve(terminal, listenAddress(host, port), flags),
    );
}

async function serve(terminal: Terminal, address: string, flags: ListenFlags): Promise<void> {
  const { listen } = await import('../../index.js');
  const { listenProof } = await import('../peers/proof.js');
  const { channel, keepOpen = false, exec } = flags;
  const { stop } = terminal;
  const talk = await conversation(terminal, flags);
  const listener = await listen(address, {
    ...sessionOptions(flags),
    ...idleOptions(flags),
    ...(await listenProof(flags, terminal.env)),
    channels: channel === 0 ? [] : [channel],
    signal: stop,
  });
  tell(terminal, `listening on ${listener.addr.toString()}`);
  try {
    if (!keepOpen) await serveOne(listener, flags.timeout, stop, talk);
    else await serveAll(terminal, listener, exec === undefined ? 1 : flags.maxConnections, talk);
  } finally {
    await listener.close({ connections: 'close' });
  }
}

/** What is done with each session, until it is closed. */
async function conversation(terminal: Terminal, flags: ListenFlags): Promise<(conn: Conn) => Promise<void>> {
  const { hold } = await import('../netcat/session.js');
  const { converseOnTerminal } = await import('../netcat/terminal-conversation.js');
  const { converseWithCommand } = await import('../netcat/exec.js');
  const { proofText } = await import('../peers/proof.js');
  const { channel, exec: command, messages = false, verbose = false } = flags;
  const { env, stop } = terminal;
  const talk =
    command === undefined
      ? converseOnTerminal(terminal, flags)
      : (flow: Parameters<typeof converseWithCommand>[0]) =>
          converseWithCommand(flow, { command, env, messages, stop });
  return async (conn) => {
    const peer = conn.remoteAddr.toString();
    if (verbose) tell(terminal, `${peer} connected (${conn.backend} backend${proofText(conn)})`);
    await hold(conn, channel, talk);
    if (verbose) tell(terminal, `${peer} closed`);
  };
}

async function serveOne(
  listener: Listener,
  timeout: number | undefined,
  stop: AbortSignal,
  talk: (conn: Conn) => Promise<void>,
): Promise<void> {
  if (timeout !== undefined) listener.setDeadline(Date.now() + timeout);
  const conn = await listener.accept({ signal: stop });
  // In the same turn, so that a channel is open before anything comes for it.
  const talking = talk(conn);
  const closing = listener.close();
  await talking;
  await closing;
}

async function serveAll(
  terminal: Terminal,
  listener: Listener,
  concurrency: number,
  talk: (conn: Conn) => Promise<void>,
): Promise<void> {
  const { stop } = terminal;
  const onError = (error: unknown, conn: Conn): void => {
    if (!stop.aborted) tell(terminal, `pool-ts listen: ${conn.remoteAddr.toString()}: ${lineOf(error)}`);
  };
  onAbort(stop, () => void listener.close());
  // Without its signal: it is done only when every session is closed and every command gone.
  await listener.serve(talk, { concurrency, onError });
}
