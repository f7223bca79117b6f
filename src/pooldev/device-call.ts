/** One ioctl that a program makes on the device and waits for. */
import type { Caller } from './caller.js';

export interface DeviceCall {
  /** The request number, `_IOC` encoded. */
  readonly command: number;
  /** The caller's struct, as many bytes as the number says; ours to keep. */
  readonly argument: Buffer;
  readonly caller: Caller;
  /** The caller got a signal, or was killed: it waits for nothing but an answer. */
  readonly interrupted: boolean;
  /** Set by whoever lets the call wait: called once, when the caller is interrupted. */
  onInterrupt: (() => void) | null;
  /** Called once, with the answer. */
  onAnswer: (() => void) | null;
  /** What ioctl(2) returns, and what goes back into the struct. The first answer counts. */
  succeed(result: number, argument?: Uint8Array): void;
  /** A positive errno. The first answer counts. */
  fail(errno: number): void;
}

/** `errno` 0 is success, with the struct as it was. */
export function answer(call: DeviceCall, errno: number): void {
  if (errno === 0) call.succeed(0);
  else call.fail(errno);
}
