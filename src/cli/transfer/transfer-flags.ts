/** Options that `send` and `receive` share. */
import type { Command } from 'commander';
import { secondsOption, type SessionFlags, withSessionOptions } from '../common-options.js';
import { WAIT_EVERY_MS } from './messages.js';

/** {@link withTransferOptions}, as commander gives them. */
export interface TransferFlags extends SessionFlags {
  /** ms that the peer may be silent: the conversation's, where a side that works on its disk says so, and not the session's. */
  idleTimeout: number;
  quiet?: boolean;
  json?: boolean;
}

/** s: a peer at work, whatever its own options are, says so twice in this time. */
const MIN_IDLE_TIMEOUT = (2 * WAIT_EVERY_MS) / 1000;

/** Adds the options of a transfer, and of the session that carries it. */
export function withTransferOptions(command: Command, peer: 'the receiver' | 'a sender'): Command {
  const silence = `give up when ${peer} is silent for this long`;
  return withSessionOptions(
    command
      .addOption(secondsOption('--idle-timeout <seconds>', silence, { usual: 60, min: MIN_IDLE_TIMEOUT }))
      .option('-q, --quiet', 'print errors only')
      .option('--json', 'print the result of each file as a line of JSON'),
    peer === 'the receiver' ? 'dials' : 'listens',
  );
}
