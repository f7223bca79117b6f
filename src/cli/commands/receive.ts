/** `pool-ts receive [DIR]`: takes files of `pool-ts send` into a folder. */
import { Command } from 'commander';
import { constants } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { onAbort } from '../../base/abort.js';
import { CliError, exitCodeOf, lineOf } from '../cli-error.js';
import { listenAddress, sessionOptions } from '../common-options.js';
import { EXIT } from '../exit-codes.js';
import { tell, type Terminal } from '../terminal.js';
import { asError } from '../transfer/failure.js';
import { type TransferFlags, withTransferOptions } from '../transfer/transfer-flags.js';
import type { Conn, Listener } from '../../index.js';

interface ReceiveFlags extends TransferFlags {
  listen: string;
  once?: boolean;
  overwrite?: boolean;
  anyName?: boolean;
}

/** Senders at a time; more wait. Many, since one that is silent keeps its place until --idle-timeout, and costs little. */
const CONCURRENCY = 256;

const EXAMPLES = `
Examples:
  pool-ts receive                            into this folder, on port 9253, until ^C
  pool-ts receive ~/Downloads --once         the files of one pool-ts send, and then end
  pool-ts receive in --listen 127.0.0.1:0    on a free port of this machine, which it prints
  pool-ts receive --overwrite backups        replace files that are there; else they are refused
  pool-ts receive --json in | jq .name       a line of JSON for each file
  pool-ts receive - | tar x                  what one pool-ts send brings, when all of it is there and checked
  pool-ts receive --identity id --peers ann.pub
                                             from whoever has ann's key

A file appears under its name when it is whole, checked and on disk, those of a folder in folders below this one. Until
then it is .NAME.pool-part, and a sender that comes again goes on from there. A kernel module listens on all addresses:
there --listen is :PORT.

Anybody who reaches the port can send, and POOL by itself does not tell who it is: --identity and --peers, or --psk-file,
let in whom you name. pool-ts keygen makes keys.`;

export function receiveCommand(terminal: Terminal): Command {
  const command = new Command('receive')
    .description('receive files of pool-ts send into a folder')
    .argument('[dir]', 'where the files go; - for standard output, which takes those of one sender', '.')
    .option('--listen <address>', '[HOST]:PORT to wait for senders on', ':9253')
    .option('--once', 'end after one sender; the exit code tells whether all its files arrived')
    .option('--overwrite', 'replace files that are there already')
    .option('--any-name', 'take names that begin with . or - too, of files and of folders')
    .addHelpText('after', EXAMPLES)
    .action((dir: string, flags: ReceiveFlags) => receive(terminal, dir, flags));
  return withTransferOptions(command, 'a sender');
}

async function receive(terminal: Terminal, dir: string, flags: ReceiveFlags): Promise<void> {
  if (dir !== '-') return receiveInto(terminal, await openFolder(dir), flags);
  if (flags.json === true) throw new CliError(EXIT.USAGE, '--json prints on standard output, where - puts the files');
  const { writeFilesAside } = await import('../transfer/to-output.js');
  await writeFilesAside(terminal, (folder, arrived) =>
    receiveInto(terminal, folder, { ...flags, once: true, anyName: true }, arrived),
  );
}

/** @param arrived is told the name of each file that is there, which standard output then is for */
async function receiveInto(
  terminal: Terminal,
  folder: string,
  flags: ReceiveFlags,
  arrived?: (name: string) => void,
): Promise<void> {
  const { listenProof } = await import('../peers/proof.js');
  const proof = await listenProof(flags, terminal.env);
  const [{ listen }, { receiveFiles }, { progressView, QUIET_VIEW }, { TransferOutcome }] = await Promise.all([
    import('../../index.js'),
    import('../transfer/receive-files.js'),
    import('../transfer/progress-view.js'),
    import('../transfer/outcome.js'),
  ]);
  const listener = await listen(listenAddress(flags.listen), {
    ...sessionOptions(flags),
    ...proof,
    signal: terminal.stop,
  });
  const view = flags.quiet === true ? QUIET_VIEW : progressView(terminal);
  const quiet = flags.quiet === true;
  const show = { json: flags.json === true, quiet: quiet || arrived !== undefined };
  const where = arrived === undefined ? folder : 'standard output';
  if (!quiet) tell(terminal, `listening on ${listener.addr.toString()}, receiving into ${where}`);

  /** The files of one session; gives what it ended with. */
  const session = async (conn: Conn): Promise<Error | null> => {
    const outcome = new TransferOutcome(terminal, view, show);
    try {
      await receiveFiles(conn, {
        folder,
        overwrite: flags.overwrite === true,
        anyName: flags.anyName === true,
        idleTimeout: flags.idleTimeout,
        signal: terminal.stop,
        view,
        peer: conn.remoteAddr.toString(),
        report: (result, error) => {
          if (error === null) arrived?.(result.name);
          outcome.report(result, error);
        },
      });
    } catch (error) {
      return outcome.failure('pool-ts receive') ?? asError(error);
    }
    return outcome.failure('pool-ts receive');
  };

  try {
    if (flags.once === true) {
      const failure = await first(listener, terminal.stop, session);
      if (failure !== null) throw failure;
    } else {
      await serve(listener, terminal, async (conn) => {
        const failure = await session(conn);
        if (failure === null || terminal.stop.aborted) return;
        if (exitCodeOf(failure) === null) throw failure;
        view.aside(() => tell(terminal, `pool-ts receive: from ${conn.remoteAddr.toString()}: ${lineOf(failure)}`));
      });
    }
  } finally {
    view.close();
    await listener.close({ connections: 'close' });
  }
}

async function first(listener: Listener, signal: AbortSignal, session: (conn: Conn) => Promise<Error | null>) {
  const conn = await listener.accept({ signal });
  await listener.close({ connections: 'keep' });
  return session(conn);
}

/** Until it is told to stop; the sessions under way end in good order before this settles. */
async function serve(listener: Listener, { stop }: Terminal, handle: (conn: Conn) => Promise<void>): Promise<void> {
  const close = (): void => void listener.close({ connections: 'keep' }).catch(() => undefined);
  onAbort(stop, close);
  const faults: Error[] = [];
  const onError = (error: unknown): void => {
    faults.push(asError(error));
    close();
  };
  await listener.serve(handle, { concurrency: CONCURRENCY, onError });
  const [fault] = faults;
  if (fault !== undefined) throw fault;
}

/** The folder's true path: what it is now, and not what a link of that name becomes later. */
async function openFolder(dir: string): Promise<string> {
  try {
    const folder = await realpath(dir);
    if (!(await stat(folder)).isDirectory()) throw new CliError(EXIT.CANNOT_CREATE, `${dir} is not a folder`);
    await access(folder, constants.W_OK | constants.X_OK);
    return folder;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new CliError(EXIT.CANNOT_CREATE, `there is no folder ${dir}, make it first`);
    if (code === 'EACCES') throw new CliError(EXIT.NO_PERMISSION, `the folder ${dir} can not be written to`);
    throw error;
  }
}
