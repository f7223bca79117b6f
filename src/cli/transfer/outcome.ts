/** Tells of every file as it is done, and in the end what the command ends with. */
import { CliError, exitCodeOf } from '../cli-error.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { print, tell, type Terminal } from '../terminal.js';
import type { ProgressView } from './progress-view.js';
import { type Result, resultLine } from './result.js';

export interface OutcomeOptions {
  json: boolean;
  quiet: boolean;
}

export class Outcome {
  readonly #terminal: Terminal;
  readonly #view: ProgressView;
  readonly #options: OutcomeOptions;
  readonly #failures: { result: Result; error: unknown }[] = [];
  #files = 0;

  constructor(terminal: Terminal, view: ProgressView, options: OutcomeOptions) {
    this.#terminal = terminal;
    this.#view = view;
    this.#options = options;
  }

  /** Failed files are remarks, files that arrived are what the command is about. */
  report(result: Result, error: unknown): void {
    this.#files++;
    if (error !== null) this.#failures.push({ result, error });
    this.#view.aside(() => {
      if (this.#options.json) void this.#print(JSON.stringify(result));
      else if (error === null && !this.#options.quiet) void this.#print(resultLine(result));
    });
  }

  /** Says on standard error what went wrong with files, but for a single one: the command ends with that line. */
  failure(command: string): CliError | null {
    const [first] = this.#failures;
    if (first === undefined) return null;
    const lines = this.#failures.map(({ result }) => resultLine(result));
    // After ^C nothing else tells how far it came.
    const stopped = this.#terminal.stop.aborted;
    if (lines.length > 1 || stopped) for (const line of lines) tell(this.#terminal, `${command}: ${line}`);
    const code = exitCodeOf(first.error) ?? (stopped ? EXIT.SIGINT : EXIT.SOFTWARE);
    const text = lines.length > 1 ? `${lines.length} of ${this.#files} files did not arrive` : lines[0]!;
    return new CliError(code satisfies ExitCode, text, { cause: first.error });
  }

  /** A reader that has gone stops the command by itself. */
  async #print(line: string): Promise<void> {
    await print(this.#terminal, line).catch(() => undefined);
  }
}
