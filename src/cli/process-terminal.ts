/** The process as a Terminal: signals, a standard output that closes, a terminal that hangs up, and the end. */
import { isatty } from 'node:tty';
import { onAbort } from '../base/abort.js';
import { asTyped, faultOf, lineOf } from './cli-error.js';
import { EXIT } from './exit-codes.js';
import type { Terminal } from './terminal.js';

const SIGNALS = { SIGINT: EXIT.SIGINT, SIGTERM: EXIT.SIGTERM, SIGHUP: EXIT.SIGHUP } as const;

/** ms that a command has to end well after it was told to stop: closing sessions takes at most 5 s of them. */
const GRACE_MS = 6000;
/** ms for what was printed to go out once the command has ended and was told to stop: a pager that shows a page reads no more. */
const LAST_OUTPUT_MS = 500;

/** Those of standard input, output and error that are terminals. */
const TERMINALS = [0, 1, 2].filter((fd) => isatty(fd));

/** The terminal, and what to end with where it was told to stop. */
export function processTerminal(): { terminal: Terminal; stoppedWith: () => number | null } {
  const controller = new AbortController();
  let code: number | null = null;
  let endsBySignal = false;
  const quit = (exitCode: number): void => {
    if (code !== null) return;
    code = exitCode;
    controller.abort();
    setTimeout(() => exit(exitCode), GRACE_MS).unref();
  };
  for (const [signal, exitCode] of Object.entries(SIGNALS)) {
    process.on(signal, () => {
      // The second time it is meant: whoever presses ^C again does not want to wait for a peer.
      if (code !== null) exit(exitCode);
      quit(exitCode);
    });
  }
  // Without a listener the error would end the process with a stack. `pool-ts sessions | head` is no fault.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // Its own SIGHUP tells of a terminal that hangs up; where that does not come, as to a command behind another, this does.
    if (terminalIsGone()) return quit(EXIT.SIGHUP);
    // Of a full disk somebody has to hear, and a command that is told to stop says nothing more.
    if (error.code !== 'EPIPE' && code === null) process.stderr.write(`pool-ts: standard output: ${lineOf(error)}\n`);
    quit(error.code === 'EPIPE' ? EXIT.SIGPIPE : EXIT.IO);
  });
  process.on('uncaughtException', (error) => {
    // Said at the very end: a full screen is given back on the way out, and what is printed before goes away with it.
    process.once('exit', () => process.stderr.write(`pool-ts: ${faultOf(error)}\n`));
    exit(EXIT.SOFTWARE);
  });
  process.stderr.on('error', () => undefined);
  restyleWarnings();
  const { stdin, stdout, stderr, env } = process;
  return {
    terminal: {
      ...{ stdin, stdout, stderr, env, quit },
      stop: controller.signal,
      endsBySignal: () => void (endsBySignal = true),
      person: async () => (await import('./person.js')).personAtTerminal(),
    },
    stoppedWith: () => (endsBySignal && code !== null && Object.values<number>(SIGNALS).includes(code) ? null : code),
  };
}

/** Node's own words for a warning are two lines with a process id, for programmers. Where it prints none, we don't either. */
function restyleWarnings(): void {
  if (process.listenerCount('warning') === 0) return;
  process
    .removeAllListeners('warning')
    .on('warning', ({ message }) => process.stderr.write(`pool-ts: ${asTyped(message)}\n`));
}

/**
 * Ends the process when what was printed has gone out: pipes are written asynchronously. A file is written at once, but
 * its failure is told a turn later, which is waited for as well. Where it was told to stop, a reader has a moment.
 */
export function exitAfterOutput(exitCode: () => number, stop: AbortSignal): void {
  const leave = (): void => void setImmediate(() => exit(exitCode()));
  if (process.stdout.destroyed || process.stdout.writableLength === 0) return leave();
  process.stdout.write('', leave);
  onAbort(stop, () => setTimeout(leave, LAST_OUTPUT_MS));
}

/** The only way out of the process. All listeners of 'exit' have their turn: sessions and screens are given back there. */
function exit(exitCode: number): never {
  process.once('exit', () => {
    if (terminalIsGone()) endBySignal('SIGHUP');
  });
  process.exit(exitCode);
}

/** A terminal that has hung up, with its window or its line, is none any more for the system. */
function terminalIsGone(): boolean {
  return TERMINALS.some((fd) => !isatty(fd));
}

/**
 * Ends the process as the signal does where nobody listens to it. Node's own end gives terminals back the modes that they
 * had, and where one doesn't take them, since it has hung up, it ends by SIGABRT (ResetStdio in Node's src/node.cc).
 */
function endBySignal(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}
