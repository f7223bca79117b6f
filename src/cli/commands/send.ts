/** `pool-ts send FILE… HOST:PORT`: sends files and folders to a `pool-ts receive`, and ends when they are on its disk. */
import { Command } from 'commander';
import { existsSync } from 'node:fs';
import { onAbort } from '../../base/abort.js';
import { CliError } from '../cli-error.js';
import { dialOptions, peerAddress, withTimeout } from '../common-options.js';
import { EXIT } from '../exit-codes.js';
import { tell, type Terminal } from '../terminal.js';
import { type TransferFlags, withTransferOptions } from '../transfer/transfer-flags.js';

interface SendFlags extends TransferFlags {
  name: string;
}

const EXAMPLES = `
Examples:
  pool-ts send report.pdf 10.0.0.2:9253      to the folder that a pool-ts receive was given there
  pool-ts send *.jpg 10.0.0.2                the port is 9253 where none is given
  pool-ts send photos 10.0.0.2               a folder: every file below it, as photos/…
  pool-ts send big.iso 10.0.0.2:9253         again, after it broke off: it goes on from where it was
  pool-ts send --json *.log host:9253        a line of JSON for each file
  pool-ts send --identity id data.csv host   only to the host that you have met before
  pool-ts send - host:9253 < notes           standard input, which is kept on disk until it has ended
  tar c folder | pool-ts send - --name folder.tar host:9253

It ends with 0 only when the receiver has confirmed that every file is on its disk, whole, under its name. Where
everything was sent and the confirmation is missing, it says so; to send it again is harmless. Links, devices and empty
folders below a folder are left out and named; an archive, as above, has them.`;

export function sendCommand(terminal: Terminal): Command {
  const command = new Command('send')
    .description('send files and folders to a pool-ts receive, resumable and checked')
    .usage('[options] <file...> <host:port>')
    .argument('<file...>', 'files and folders, - for standard input, and in the end the address of the receiver')
    .option('--name <name>', 'what standard input is called at the receiver', 'stdin')
    .addHelpText('after', EXAMPLES)
    .action((args: string[], flags: SendFlags) => send(terminal, args, flags));
  return withTimeout(withTransferOptions(command, 'the receiver'));
}

async function send(terminal: Terminal, args: readonly string[], flags: SendFlags): Promise<void> {
  const paths = args.slice(0, -1);
  const address = args.at(-1) ?? '';
  if (paths.length === 0) {
    throw new CliError(
      EXIT.USAGE,
      'give at least one file, and the address of the receiver after it (see pool-ts send --help)',
    );
  }
  if (existsSync(address)) {
    throw new CliError(EXIT.USAGE, `the last argument is the address of the receiver, and ${address} is a file`);
  }
  const [{ examine }, { printableName: printable }] = await Promise.all([
    import('../transfer/source-file.js'),
    import('../transfer/file-name.js'),
  ]);
  const { stdin, stop } = terminal;
  const sources = await examine(paths, {
    standard: { input: stdin, name: flags.name },
    skipped: (path, why) => {
      if (flags.quiet !== true) tell(terminal, `pool-ts send: skipped ${printable(path)}: ${why}`);
    },
  });
  // ^C ends the reading of a pipe, too.
  onAbort(stop, () => stdin.destroy());

  const [{ dialPeer }, { sendFiles }, { progressView, QUIET_VIEW }, { TransferOutcome }] = await Promise.all([
    import('../peers/dial-peer.js'),
    import('../transfer/send-files.js'),
    import('../transfer/progress-view.js'),
    import('../transfer/outcome.js'),
  ]);
  const options = { ...dialOptions(flags), signal: terminal.stop };
  const conn = await dialPeer(terminal, peerAddress(address), flags, options);
  const view = flags.quiet === true ? QUIET_VIEW : progressView(terminal);
  const outcome = new TransferOutcome(terminal, view, { json: flags.json === true, quiet: flags.quiet === true });
  try {
    await sendFiles(conn, sources, {
      idleTimeout: flags.idleTimeout,
      signal: terminal.stop,
      view,
      peer: conn.remoteAddr.toString(),
      report: (result, error) => outcome.report(result, error),
    });
  } catch (error) {
    throw outcome.failure('pool-ts send') ?? error;
  } finally {
    view.close();
  }
  const failure = outcome.failure('pool-ts send');
  if (failure !== null) throw failure;
}
