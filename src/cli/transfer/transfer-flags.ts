/** Options that `send` and `receive` share. */
import type { Command } from 'commander';
import { secondsOption, type SessionFlags, withSessionOptions } from '../common-options.js';

/** {@link withTransferOptions}, as commander gives them. */
export interface TransferFlags extends SessionFlags {
  /** ms that the peer may be silent: the conversation's, where a side that works on its disk says so, and not the session's. */
  idleTimeout: number;
  quiet?: boolean;
  json?: boolean;
}

/** Adds the options of a transfer, and of the session that carries it. */
export function withTransferOptions(command: Command, peer: 'the receiver' | 'a sender'): Command {
  const silence = `give up when ${peer} is silent for this long`;
  return withSessionOptions(
    command
      .addOption(secondsOption('--idle-timeout <seconds>', silence, { usual: 60, min: 1 }))
      .option('-q, --quiet', 'print errors only')
      .option('--json', 'print the result of each file as a line of JSON'),
    peer === 'the receiver' ? 'dials' : 'listens',
  );
}
