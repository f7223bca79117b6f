/** Standard output that takes no more, for another reason than that nobody reads it: a full disk. */
import { CliError, lineOf } from '../cli-error.js';
import { EXIT } from '../exit-codes.js';

export class OutputFailed extends CliError {
  constructor(cause: Error) {
    super(EXIT.IO, `standard output: ${lineOf(cause)}`, { cause });
  }
}
