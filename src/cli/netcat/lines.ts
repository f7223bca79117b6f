/** Lines of a stream of bytes, as messages. */
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-codes.js';

const NEWLINE = 0x0a;

/** Cuts bytes into lines without their newline. Holds one unfinished line of at most `maxLength` bytes. */
export class LineSplitter {
  readonly #maxLength: number;
  #parts: Buffer[] = [];
  #length = 0;
  #line = 1;

  /** @param maxLength bytes that a line may have */
  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  /**
   * The lines that `chunk` ends. POOL has no empty message: empty lines are left out.
   * @throws CliError DATA where a line is too long; `lines` of it are those before
   */
  push(chunk: Buffer): Buffer[] {
    const lines: Buffer[] = [];
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      this.#add(chunk.subarray(from, at), lines);
      this.#finish(lines);
      this.#line += 1;
      from = at + 1;
    }
    this.#add(chunk.subarray(from), lines);
    return lines;
  }

  /** The last line, where no newline ends it. */
  end(): Buffer[] {
    const lines: Buffer[] = [];
    this.#finish(lines);
    return lines;
  }

  #add(part: Buffer, before: readonly Buffer[]): void {
    if (this.#length + part.length > this.#maxLength) throw new LineTooLong(this.#line, this.#maxLength, before);
    if (part.length === 0) return;
    this.#parts.push(part);
    this.#length += part.length;
  }

  #finish(lines: Buffer[]): void {
    if (this.#length === 0) return;
    lines.push(this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts));
    this.#parts = [];
    this.#length = 0;
  }
}

/** A line that is no message. Those before it are still to be sent: a bad line loses nothing of the good ones. */
export class LineTooLong extends CliError {
  constructor(
    line: number,
    maxLength: number,
    readonly before: readonly Buffer[],
  ) {
    super(EXIT.DATA, `line ${line} of the input is longer than a message, which has at most ${maxLength} bytes`);
  }
}
