/** The process as a Terminal: signals, a standard output that closes, and the end. */
import { asTyped, faultOf, lineOf } from './cli-error.js';
import { EXIT } from './exit-codes.js';
import type { Terminal } from './terminal.js';

const SIGNALS = { SIGINT: EXIT.SIGINT, SIGTERM: EXIT.SIGTERM, SIGHUP: EXIT.SIGHUP } as const;

/** ms that a command has to end well after it was told to stop: closing sessions takes at most 5 s of them. */
const GRACE_MS = 6000;

/** The terminal, and what to end with where it was told to stop. */
export function processTerminal(): { terminal: Terminal; stoppedWith: () => number | null } {
  const controller = new AbortController();
  let code: number | null = null;
  let endsBySignal = false;
  const quit = (exitCode: number): void => {
    if (code !== null) return;
    code = exitCode;
    controller.abort();
    setTimeout(() => process.exit(exitCode), GRACE_MS).unref();
  };
  for (const [signal, exitCode] of Object.entries(SIGNALS)) {
    process.on(signal, () => {
      // The second time it is meant: whoever presses ^C again does not want to wait for a peer.
      if (code !== null) process.exit(exitCode);
      quit(exitCode);
    });
  }
  // Without a listener the error would end the process with a stack. `pool-ts sessions | head` is no fault.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // Of a full disk somebody has to hear, and a command that is told to stop says nothing more.
    if (error.code !== 'EPIPE' && code === null) process.stderr.write(`pool-ts: standard output: ${lineOf(error)}\n`);
    quit(error.code === 'EPIPE' ? EXIT.SIGPIPE : EXIT.IO);
  });
  process.on('uncaughtException', (error) => {
    // Said at the very end: a full screen is given back on the way out, and what is printed before goes away with it.
    process.once('exit', () => process.stderr.write(`pool-ts: ${faultOf(error)}\n`));
    process.exit(EXIT.SOFTWARE);
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
 * its failure is told a turn later, which is waited for as well.
 */
export function exitAfterOutput(exitCode: () => number): void {
  const leave = (): void => void setImmediate(() => process.exit(exitCode()));
  if (process.stdout.destroyed || process.stdout.writableLength === 0) leave();
  else process.stdout.write('', leave);
}
