/**
 * A thread that copies between a caller's memory and ours, and does nothing else: the page behind an address may be on a
 * file system that hangs, our own device included, so nobody who serves others may wait for it.
 */
import { isAlive } from './caller.js';
import { type CopyChannel, CopyState, Direction, CopyWord } from './copy-channel.js';
import { Errno } from '../../base/errno.js';
import type { ServerLibc } from '../server-libc.js';

/** Runs until STOP; `done` tells the asking side that a result is there. */
export function runCopyThread(channel: CopyChannel, libc: ServerLibc, done: () => void): void {
  const { words } = channel;
  const copy = copier(channel, libc);
  for (;;) {
    const state = Atomics.load(words, CopyWord.STATE);
    if (state === CopyState.STOP) return;
    const mine = Atomics.compareExchange(words, CopyWord.STATE, CopyState.ASKED, CopyState.RUNNING) === CopyState.ASKED;
    if (!mine) {
      Atomics.wait(words, CopyWord.STATE, state);
      continue;
    }
    words[CopyWord.RESULT] = copy();
    Atomics.store(words, CopyWord.STATE, CopyState.DONE);
    done();
  }
}

/** 0, or a negative errno. Anything short of all the bytes is EFAULT, as copy_from_user has it. */
function copier({ words, address, data }: CopyChannel, libc: ServerLibc): () => number {
  const local = Buffer.alloc(16);
  const remote = Buffer.alloc(16);
  const scratch = Buffer.alloc(32);
  local.writeBigUInt64LE(libc.address(data), 0);
  return () => {
    const pid = words[CopyWord.PID] ?? 0;
    const length = words[CopyWord.LENGTH] ?? 0;
    if (!isAlive(libc, words[CopyWord.PIN] ?? -1, scratch)) return -Errno.ESRCH;
    local.writeBigUInt64LE(BigInt(length), 8);
    remote.writeBigUInt64LE(address[0] ?? 0n, 0);
    remote.writeBigUInt64LE(BigInt(length), 8);
    const fromCaller = words[CopyWord.DIRECTION] === Direction.FROM_CALLER;
    const copied = fromCaller ? libc.processVmRead(pid, local, remote) : libc.processVmWrite(pid, local, remote);
    if (copied < 0) return copied;
    return copied === length ? 0 : -Errno.EFAULT;
  };
}
