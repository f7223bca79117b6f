/** Reading and writing the memory of a process that waits in an ioctl: what `data_ptr` and `info_ptr` point to. */
import type { Caller, CallerPins, PinnedCaller } from './caller.js';
import { Direction, MAX_COPY_BYTES } from './copy-channel.js';
import type { CopyPool, CopyTicket } from './copy-pool.js';
import type { DirectCopy } from './direct-copy.js';
import { Errno } from '../../base/errno.js';

/** User addresses end below this on every 64-bit Linux; what is above is the kernel's. */
const ADDRESS_LIMIT = 1n << 56n;

/** What a copy under way can still be asked for. */
export interface Copy {
  /** True: it never ran and never will. False: it runs, or is over, and `done` tells how it went. */
  cancel(): boolean;
}

export interface CallerMemory {
  /** Null where there is no memory to reach: the caller has no pid here, or is gone. */
  pin(caller: Caller): PinnedCaller | null;
  /** `done` gets 0 and the bytes, valid only until it returns, or a negative errno. It may be called at once. */
  read(caller: PinnedCaller, address: bigint, length: number, done: (error: number, bytes: Buffer) => void): Copy;
  /** `bytes` is taken before this returns. `done` may be called at once. */
  write(caller: PinnedCaller, address: bigint, bytes: Uint8Array, done: (error: number) => void): Copy;
}

const nothing = Buffer.alloc(0);
const over: Copy = { cancel: () => false };

/** `direct` is tried first, where it is given. */
export function callerMemory(
  pool: Pick<CopyPool, 'copy'>,
  pins: Pick<CallerPins, 'pin'>,
  direct?: Pick<DirectCopy, 'read' | 'write'>,
): CallerMemory {
  const ticket = (caller: PinnedCaller, address: bigint, length: number, direction: number): CopyTicket => ({
    pid: caller.pid,
    process: () => caller.process(),
    pin: caller.pin,
    address,
    length,
    direction,
  });
  return {
    pin: (caller) => pins.pin(caller),
    read(caller, address, length, done) {
      if (!isInBounds(address, length)) {
        done(-Errno.EFAULT, nothing);
        return over;
      }
      const bytes = direct?.read(caller, address, length) ?? null;
      if (bytes === null) return pool.copy(ticket(caller, address, length, Direction.FROM_CALLER), undefined, done);
      done(0, bytes);
      return over;
    },
    write(caller, address, bytes, done) {
      if (!isInBounds(address, bytes.length)) {
        done(-Errno.EFAULT);
        return over;
      }
      if (direct?.write(caller, address, bytes) !== true) {
        return pool.copy(ticket(caller, address, bytes.length, Direction.TO_CALLER), bytes, done);
      }
      done(0);
      return over;
    },
  };
}

function isInBounds(address: bigint, length: number): boolean {
  return address > 0n && length > 0 && length <= MAX_COPY_BYTES && address + BigInt(length) <= ADDRESS_LIMIT;
}
