/** One ioctl that a program makes on the device and waits for. */
import type { Caller } from '../memory/caller.js';
import type { PendingSignals } from './pending-signals.js';

/**
 * linux/errno.h: of a call that a signal interrupted. The kernel makes the call again once the handler has run, or turns it
 * into EINTR where that was set without SA_RESTART; no program sees it.
 */
export const ERESTARTSYS = 512;

/** That the caller of a call which waits got a signal. */
export interface Interruption {
  /** ms since the first signal; 0 when it comes. */
  age: number;
  /** What waits for the caller by now. Costs a read of /proc. */
  signals: () => PendingSignals;
}

export interface DeviceCall {
  /** The request number, `_IOC` encoded. */
  readonly command: number;
  /** The caller's struct, as many bytes as the number says; ours to keep. */
  readonly argument: Buffer;
  readonly caller: Caller;
  /**
   * Set by whoever lets the call wait: called when the caller gets a signal, and again every now and then for as long as
   * it waits after that. Where it is null, a caller that is being killed is let go, and others wait on.
   */
  onInterrupt: ((interruption: Interruption) => void) | null;
  /** Called once, with the answer. */
  onAnswer: (() => void) | null;
  /** What ioctl(2) returns, and what goes back into the struct. The first answer counts. */
  succeed(result: number, argument?: Uint8Array): void;
  /** A positive errno. The first answer counts. */
  fail(errno: number): void;
  /**
   * Of an interrupted call that has done nothing yet: the caller's handler runs, then the kernel makes the call again, or
   * gives EINTR where the handler was set without SA_RESTART. Any other call fails with EINTR.
   */
  restart(): void;
}

/** `errno` 0 is success, with the struct as it was. */
export function answer(call: DeviceCall, errno: number): void {
  if (errno === 0) call.succeed(0);
  else call.fail(errno);
}
