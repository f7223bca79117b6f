/** What a transfer is given, what became of its files, and what the command ends with. */
import { CliError, exitCodeOf } from '../cli-error.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { bytesText, clockText, rateText } from '../screen/quantities.js';
import { print, tell, type Terminal } from '../terminal.js';
import type { ProgressView } from './progress-view.js';
import type { ConversationTimes } from './transfer-conversation.js';

export interface OutcomeOptions {
  json: boolean;
  quiet: boolean;
}

/** Characters of failures that are kept for the end: a sender may offer 65536 files that are refused. */
const MAX_CHARACTERS = 131_072;

export class TransferOutcome {
  readonly #terminal: Terminal;
  readonly #view: ProgressView;
  readonly #options: OutcomeOptions;
  readonly #lines: string[] = [];
  #characters = 0;
  #firstError: unknown = null;
  #failed = 0;
  #files = 0;

  constructor(terminal: Terminal, view: ProgressView, options: OutcomeOptions) {
    this.#terminal = terminal;
    this.#view = view;
    this.#options = options;
  }

  /** Failed files are remarks, files that arrived are what the command is about. */
  report(result: Result, error: unknown): void {
    this.#files++;
    if (error !== null) this.#keep(resultLine(result), error);
    const { json, quiet } = this.#options;
    if (error === null ? quiet : !json) return;
    this.#view.aside(() => void this.#print(json ? JSON.stringify(result) : resultLine(result)));
  }

  /** Says on standard error what went wrong with files, but for a single one: the command ends with that line. */
  failure(command: string): CliError | null {
    if (this.#failed === 0) return null;
    const lines = this.#lines;
    // After ^C nothing else tells how far it came.
    const stopped = this.#terminal.stop.aborted;
    if (this.#failed > 1 || stopped) for (const line of lines) tell(this.#terminal, `${command}: ${line}`);
    const more = this.#failed - lines.length;
    if (more > 0) tell(this.#terminal, `${command}: … and ${more} more`);
    const code = exitCodeOf(this.#firstError) ?? (stopped ? EXIT.SIGINT : EXIT.SOFTWARE);
    const text = this.#failed > 1 ? `${this.#failed} of ${this.#files} files did not arrive` : lines[0]!;
    return new CliError(code satisfies ExitCode, text, { cause: this.#firstError });
  }

  #keep(line: string, error: unknown): void {
    if (this.#failed++ === 0) this.#firstError = error;
    // The first one is kept in any case.
    this.#characters += line.length;
    if (this.#lines.length === 0 || this.#characters <= MAX_CHARACTERS) this.#lines.push(line);
  }

  /** A reader that has gone stops the command by itself. */
  async #print(line: string): Promise<void> {
    await print(this.#terminal, line).catch(() => undefined);
  }
}

export interface Result {
  name: string;
  /**
   * `sent` and `received`: confirmed, on disk under its final name. `identical`: it was there already. `failed`: it is not
   * there. `unknown`: everything was sent and nothing was confirmed.
   */
  status: 'sent' | 'received' | 'identical' | 'failed' | 'unknown';
  /** Bytes of the file. */
  size: number;
  /** Bytes that were there from an earlier try. */
  resumedFrom: number;
  seconds: number;
  /** Hexadecimal. */
  sha256?: string | undefined;
  /** The other side. */
  peer: string;
  error?: string | undefined;
}

/** `sent NAME: 1.00 GB in 0:12 (81.2 MB/s), SHA-256 …`. */
function resultLine({ name, status, size, resumedFrom, seconds, sha256, error }: Result): string {
  if (error !== undefined) return error;
  if (status === 'identical')
    return `identical ${name}: ${bytesText(size)} were there already, SHA-256 ${sha256 ?? ''}`;
  const moved = size - resumedFrom;
  // Of what took no time a speed says nothing.
  const speed = seconds < 1 ? '' : ` in ${clockText(seconds)} (${rateText(moved / seconds)})`;
  const resumed = resumedFrom > 0 ? `, resumed at ${bytesText(resumedFrom)}` : '';
  return `${status} ${name}: ${bytesText(size)}${speed}${resumed}, SHA-256 ${sha256 ?? ''}`;
}

export interface TransferOptions extends ConversationTimes {
  /** Ends the transfer; what has arrived stays, to go on from. */
  signal: AbortSignal;
  view: ProgressView;
  /** Called once for every file, whatever became of it. */
  report(result: Result, error: unknown): void;
  /** The other side, for results. */
  peer: string;
}
