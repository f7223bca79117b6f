/** Options that `listen` and `connect` share. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  type IdleFlags,
  integer,
  seconds,
  type SessionFlags,
  withIdleTimeout,
  withSessionOptions,
} from '../common-options.js';
import type { ProofUse } from '../peers/proof-flags.js';

/** {@link withNetcatOptions}, as commander gives them. */
export interface NetcatFlags extends SessionFlags, IdleFlags {
  channel: number;
  messages?: boolean;
  /** ms; Infinity waits for the peer's end. */
  quitAfter: number;
}

/** Adds the options of a conversation, and of the session that carries it. */
export function withNetcatOptions(command: Command, role: ProofUse, quitAfter: { ms: number; text: string }): Command {
  const quit = new Option(
    '-q, --quit-after <seconds>',
    'close when nothing came for so long after the end of the input',
  );
  const talking = withIdleTimeout(
    command
      .option('--channel <number>', 'talk on this channel, 1 to 255', integer({ min: 0, max: 255 }), 0)
      .option('--messages', 'a line of input is a message, a message is printed as a line (default: bytes)')
      .addOption(quit.argParser(secondsOrNever).default(quitAfter.ms, quitAfter.text)),
  );
  return withSessionOptions(talking, role, 'who is connected, and ');
}

const readSeconds = seconds({ min: 0 });

/** As with netcat, a negative number is for ever. */
function secondsOrNever(text: string): number {
  if (text === 'never' || /^-\d+$/.test(text)) return Infinity;
  try {
    return readSeconds(text);
  } catch {
    throw new InvalidArgumentError("It must be seconds from 0, or 'never'.");
  }
}
