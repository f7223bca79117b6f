/** Where the REPL keeps what was typed. */
import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';

/**
 * POOL_REPL_HISTORY, empty for none (as NODE_REPL_HISTORY has it); else a file below XDG_STATE_HOME where that is set, and
 * not relative (XDG Base Directory Specification), else one in the home folder. Null is none.
 */
export function historyFile(env: Readonly<Record<string, string | undefined>>, home = homedir()): string | null {
  const named = env['POOL_REPL_HISTORY'];
  if (named !== undefined) return named.trim() === '' ? null : named;
  const state = env['XDG_STATE_HOME'];
  return state && isAbsolute(state) ? join(state, 'pool-ts', 'repl_history') : join(home, '.pool_ts_history');
}

/** Makes the folder of the file, for this user alone. Where it can't, the REPL says so itself when it opens the file. */
export function makeFolder(file: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  } catch {
    // Told by whoever opens the file.
  }
}
