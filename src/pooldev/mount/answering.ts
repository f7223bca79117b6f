/**
 * Whether the file system behind a path answers. One whose server hangs doesn't, and a thread that asks can't be ended, nor can
 * the process whose thread it is: so another process asks.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { orLate } from '../../base/timers.js';

/**
 * False where it has not answered after `ms`. What the answer was is not told. True as well where no process can be had to ask
 * (`program` is stat(1), of coreutils or busybox).
 */
export async function isAnswering(path: string, ms: number, program = 'stat'): Promise<boolean> {
  let child: ChildProcess;
  try {
    child = spawn(program, ['-f', '--', path], { stdio: 'ignore' });
  } catch {
    return true;
  }
  const over = new Promise<boolean>((settle) => {
    child.once('exit', () => settle(true));
    child.once('error', () => settle(true));
  });
  const answered = await orLate(ms, over, false);
  child.kill('SIGKILL');
  // It may take a while to end, too.
  child.unref();
  return answered;
}
