/** What a command sees of the process. Tests pass streams of their own. */
import type { Readable, Writable } from 'node:stream';
import type { Person } from './person.js';

export interface Terminal {
  stdin: Readable & { isTTY?: boolean; setRawMode?(on: boolean): unknown };
  stdout: Writable & { isTTY?: boolean; columns?: number; rows?: number };
  stderr: Writable & { isTTY?: boolean; columns?: number };
  env: NodeJS.ProcessEnv;
  /** Aborts at SIGINT, SIGTERM or SIGHUP: a command then closes what it opened, and ends. */
  stop: AbortSignal;
  /** Stops as SIGINT does: what a key in raw mode asks for, or a standard output that nobody reads. */
  quit(exitCode: number): void;
  /** A signal is how this command ends when all is well, as servers do: the exit code is 0 then. */
  endsBySignal(): void;
  /** Who can be asked, standard input apart; null where nobody is there. */
  person(): Promise<Person | null>;
}

/** Writes a line to standard output, with its backpressure. Rejects with the stream's error, EPIPE included. */
export function print(terminal: Pick<Terminal, 'stdout'>, line: string): Promise<void> {
  return new Promise((resolve, reject) => {
    terminal.stdout.write(`${line}\n`, (error) => (error ? reject(error) : resolve()));
  });
}

/** A line for the person, not for the pipe: progress, what was connected. Never waited for. */
export function tell(terminal: Pick<Terminal, 'stderr'>, line: string): void {
  terminal.stderr.write(`${line}\n`);
}
