/** A caller's memory as one call may touch it: pinned until the call is answered, written where a pointer in its struct says. */
import type { Caller, PinnedCaller } from './caller.js';
import type { CallerMemory } from './caller-memory.js';
import type { DeviceCall } from '../requests/device-call.js';
import { Errno } from '../../base/errno.js';

export class RequestMemory {
  readonly copies: Pick<CallerMemory, 'read' | 'write'>;
  readonly #pins: Pick<CallerMemory, 'pin'>;
  readonly #refused: (errno: number) => void;

  /** `refused` is told why memory that a call needed can't be reached, where somebody can do something about it. */
  constructor(memory: CallerMemory, refused: (errno: number) => void) {
    this.copies = memory;
    this.#pins = memory;
    this.#refused = refused;
  }

  /** Null: the call was answered, for its caller has no memory to reach. */
  pin(call: DeviceCall): PinnedCaller | null {
    const caller = this.#pins.pin(call.caller);
    if (caller === null) this.refuse(call, callerErrno(call.caller));
    else call.onAnswer = caller.release;
    return caller;
  }

  /** EPERM comes of ptrace_scope, of another pid namespace, of seccomp: somebody must be told what to do. */
  refuse(call: DeviceCall, errno: number): void {
    if (errno === Errno.EPERM) this.#refused(errno);
    call.fail(errno === Errno.EPERM ? Errno.EPERM : Errno.EFAULT);
  }

  /** Writes `bytes` to `address`, then answers with 0 and the struct. */
  answerWith(call: DeviceCall, address: bigint, bytes: Uint8Array): void {
    const caller = this.pin(call);
    if (caller === null) return;
    const copy = this.copies.write(caller, address, bytes, (error) => {
      call.onInterrupt = null;
      if (error === 0) call.succeed(0, call.argument);
      else this.refuse(call, -error);
    });
    call.onInterrupt = ({ signals }) => {
      if (signals().killed && copy.cancel()) call.restart();
    };
  }
}

/** A caller in another pid namespace shows up as pid 0. */
function callerErrno({ pid }: Caller): number {
  return pid === 0 ? Errno.EPERM : Errno.EFAULT;
}
