/** `pool-ts bench [host:port]`: how fast a path is. */
import { Command, Option } from 'commander';
import {
  dialOptions,
  integer,
  secondsOption,
  type SessionFlags,
  sessionOptions,
  withSessionOptions,
  withTimeout,
} from '../common-options.js';
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-codes.js';
import type { Terminal } from '../terminal.js';

interface BenchFlags extends SessionFlags {
  listen?: string | true;
  size?: number;
  /** ms */
  seconds: number;
  json?: boolean;
  untilStdinEnds?: boolean;
}

/** Bytes: the longest message that goes everywhere, MAX_PORTABLE_MESSAGE of pool-ts. */
const LONGEST = 65_511;
/** Bytes of a small question or answer. */
const ECHO_SIZE = 64;

const EXAMPLES = `
Examples:
  pool-ts bench                            this machine: a peer is started in a second process on loopback
  pool-ts bench --listen :9253             on one machine ...
  pool-ts bench 10.0.0.1:9253              ... and on another
  pool-ts bench --size 1304 --seconds 10   messages of that size, both for throughput and for round trips
  pool-ts bench --backend kernel --json | jq .roundTrips.p99

Throughput is that of one session: until the peer has said that everything arrived, and how much. Round trips go one after
the other; times in JSON are microseconds. Without --size, throughput is measured with messages of ${LONGEST} bytes and round
trips with ${ECHO_SIZE}. The peer has to be pool-ts bench --listen: anything else ends it with 76, or with 75 after 5 s of silence.
Messages begin with a letter: H asks and h answers who is there, D is counted, E comes back, F asks and f answers for counts.`;

export function benchCommand(terminal: Terminal): Command {
  const command = new Command('bench')
    .description('measure throughput and round trips to a peer, or on this machine')
    .argument('[host:port]', 'where pool-ts bench --listen runs (default: a peer of its own on loopback)')
    .option('--listen [address]', 'be the peer that others measure against (default address: :9253)')
    .option('--size <bytes>', 'bytes of a message', integer({ min: 1, max: LONGEST }))
    .addOption(secondsOption('--seconds <seconds>', 'time for each of the two', { usual: 3, min: 0.01, max: 3600 }))
    .option('--json', 'the result as one object')
    .addOption(new Option('--until-stdin-ends').hideHelp());
  return withTimeout(withSessionOptions(command, 'both'))
    .addHelpText('after', EXAMPLES)
    .action((address: string | undefined, flags: BenchFlags, self: Command) => {
      if (flags.listen === undefined) return measure(terminal, address, flags);
      if (address !== undefined) self.error("error: give one of 'host:port' and '--listen'");
      return listenForPeers(terminal, flags);
    });
}

async function measure(terminal: Terminal, address: string | undefined, flags: BenchFlags): Promise<void> {
  const { bench } = await import('../bench/bench.js');
  const { thisProgram } = await import('../bench/own-peer.js');
  const { identity, peers, pskFile } = flags;
  if (address === undefined && (identity ?? peers ?? pskFile) !== undefined) {
    throw new CliError(
      EXIT.USAGE,
      'a peer of our own is asked nothing: give host:port with --identity, --peers or --psk-file',
    );
  }
  await bench(terminal, {
    address,
    dial: dialOptions(flags),
    proof: flags,
    bulkSize: flags.size ?? LONGEST,
    echoSize: flags.size ?? ECHO_SIZE,
    ms: flags.seconds,
    json: flags.json === true,
    program: thisProgram(),
  });
}

async function listenForPeers(terminal: Terminal, flags: BenchFlags): Promise<void> {
  const { listen } = await import('../../index.js');
  const { serveBench } = await import('../bench/serve.js');
  const { listenProof } = await import('../peers/proof.js');
  const proof = await listenProof(flags, terminal.env);
  const address = typeof flags.listen === 'string' ? flags.listen : '';
  const listener = await listen(address, { ...sessionOptions(flags), ...proof, signal: terminal.stop });
  if (flags.untilStdinEnds === true) {
    terminal.stdin.resume().once('close', () => terminal.quit(0));
  }
  await serveBench(terminal, listener);
}
