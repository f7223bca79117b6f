/**
 * The first process of a terminal, as a shell is. Starts the command of its arguments there, in the foreground, and writes on
 * fd 3 a line of JSON with its pid, and one with how it ended. A terminal that hangs up sends SIGHUP to this process alone;
 * with POOL_TEST_HANG_UP=pass it is passed on, as shells do.
 */
import { spawn } from 'node:child_process';
import { writeSync } from 'node:fs';

const [, , ...command] = process.argv;
const errors = process.env.POOL_TEST_ERRORS === 'terminal' ? 'inherit' : 4;
const child = spawn(command[0], command.slice(1), { stdio: ['inherit', 'inherit', errors] });
const say = (what) => writeSync(3, `${JSON.stringify(what)}\n`);
process.on('SIGHUP', () => {
  if (process.env.POOL_TEST_HANG_UP === 'pass') child.kill('SIGHUP');
});
say({ pid: child.pid });
child.on('exit', (code, signal) => {
  say({ code, signal });
  // Not by Node's own end, for which the terminal is missing.
  process.kill(process.pid, 'SIGKILL');
});
