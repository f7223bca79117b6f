/** `pool-ts repl`: JavaScript with pool-ts loaded. */
import { Command } from 'commander';
import { sessionOptions, type SessionFlags, withSessionOptions } from '../common-options.js';
import type { Terminal } from '../terminal.js';

const EXAMPLES = `
Examples:
  pool-ts repl
  > const conn = await dial('10.0.0.1:9253')
  > await conn.write('hello POOL')
  > await conn.readText()

  pool-ts repl --backend user                                           for every dial and listen in it
  echo "await pool.resolve('localhost:9253')" | pool-ts repl            runs what is piped in, and prints the results

\`pool\` is pool-ts; dial, listen and resolve are there by themselves as well. .opened lists what is open; ^D and .exit close
it. Tab completes, ^C ends an await. History is kept in $XDG_STATE_HOME/pool-ts/repl_history, else in ~/.pool_ts_history;
POOL_REPL_HISTORY names another file, or none where it is empty.

Exit codes: 0 done; 1 a statement that was piped in failed, or has no end.`;

export function replCommand(terminal: Terminal): Command {
  const command = new Command('repl').description('JavaScript with pool-ts loaded, top-level await included');
  return withSessionOptions(command, 'both')
    .addHelpText('after', EXAMPLES)
    .action((flags: SessionFlags) => repl(terminal, flags));
}

async function repl(terminal: Terminal, flags: SessionFlags): Promise<void> {
  const { runRepl } = await import('../repl/session.js');
  await runRepl(terminal, sessionOptions(flags), flags);
}
