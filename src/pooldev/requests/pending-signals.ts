/**
 * Which signals wait for a thread that sits in a call, as /proc/<thread>/status tells them (proc(5)): FUSE says that there
 * was one, not which. Whether a handler has SA_RESTART is told nowhere; the kernel decides by it, see `DeviceCall.restart`.
 */
import { constants } from 'node:os';
import { readProcFile } from '../../base/proc-file.js';

export interface PendingSignals {
  /** The thread is being killed: whatever it waits for is of no use to anybody. */
  killed: boolean;
  /** A handler waits to run for a signal that somebody may mean to interrupt a call with. */
  meant: boolean;
}

const bit = (signal: number): bigint => 1n << BigInt(signal - 1);
const bits = (signals: readonly number[]): bigint => signals.reduce((set, signal) => set | bit(signal), 0n);

const { SIGKILL, SIGCHLD, SIGCONT, SIGPROF, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG, SIGWINCH } = constants.signals;

/** What these do where there is no handler: nothing, or they stop the process for a while (signal(7)). */
const HARMLESS = bits([SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG, SIGWINCH]);

/** libc and Go's runtime send the 33rd to their own threads, to have all of them change user. */
const SIGSETXID = 33;

/**
 * Signals that runtimes handle for their own sake, Go's all of them: SIGURG to preempt, SIGPROF to profile, and those
 * whose default is to be ignored.
 */
const NOT_MEANT = bits([SIGCHLD, SIGCONT, SIGPROF, SIGURG, SIGWINCH, SIGSETXID]);

/** `status` is the text of /proc/<thread>/status; null where it can't be read: anything is possible. */
export function parsePendingSignals(status: string | null): PendingSignals {
  if (status === null) return { killed: false, meant: true };
  const mask = (name: string): bigint =>
    BigInt(`0x${new RegExp(`^${name}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1] ?? '0'}`);
  const caught = mask('SigCgt');
  const pending = (mask('SigPnd') | mask('ShdPnd')) & ~mask('SigBlk') & ~mask('SigIgn');
  const fatal = pending & ~caught & ~HARMLESS;
  return { killed: (fatal | (pending & bit(SIGKILL))) !== 0n, meant: (pending & caught & ~NOT_MEANT) !== 0n };
}

/** Of a thread of this process's pid namespace; one of another is 0 here, and no more is known of it. */
export function readPendingSignals(thread: number): PendingSignals {
  try {
    return parsePendingSignals(readProcFile(`/proc/${thread}/status`));
  } catch {
    return parsePendingSignals(null);
  }
}
