import { describe, expect, it } from 'vitest';
import { CopyState, copyChannel, Direction, CopyWord } from '../../../src/pooldev/memory/copy-channel.js';
import { runCopyThread } from '../../../src/pooldev/memory/copy-thread.js';
import { Errno } from '../../../src/base/errno.js';
import type { ServerLibc } from '../../../src/pooldev/server-libc.js';

interface Asked {
  pid: number;
  /** Where the copy goes to or comes from, there, and how many bytes both ends were told. */
  remote: bigint;
  lengths: [bigint, bigint];
  write: boolean;
}

/** One copy by the thread, of a caller that lives or not; `copied` is what the system call gives. */
function copyOnce(how: { alive?: boolean; copied?: number; direction?: number } = {}) {
  const { alive = true, copied = 10, direction = Direction.FROM_CALLER } = how;
  const channel = copyChannel();
  const { words, address } = channel;
  const asked: Asked[] = [];
  const order: string[] = [];
  const vm = (write: boolean) => (pid: number, local: Uint8Array, remote: Uint8Array) => {
    const [here, there] = [Buffer.from(local), Buffer.from(remote)];
    order.push('copy');
    const lengths: [bigint, bigint] = [here.readBigUInt64LE(8), there.readBigUInt64LE(8)];
    asked.push({ pid, remote: there.readBigUInt64LE(0), lengths, write });
    return copied;
  };
  const libc = {
    address: () => 0x5000n,
    pread: (fd: number) => {
      order.push(`look at ${fd}`);
      return alive ? 5 : -Errno.ESRCH;
    },
    processVmRead: vm(false),
    processVmWrite: vm(true),
  } as Partial<ServerLibc> as ServerLibc;
  words[CopyWord.PID] = 77;
  words[CopyWord.PIN] = 9;
  words[CopyWord.LENGTH] = 10;
  words[CopyWord.DIRECTION] = direction;
  address[0] = 0xabcdefn;
  Atomics.store(words, CopyWord.STATE, CopyState.ASKED);
  let result: number | undefined;
  runCopyThread(channel, libc, () => {
    result = words[CopyWord.RESULT];
    expect(Atomics.load(words, CopyWord.STATE)).toBe(CopyState.DONE);
    Atomics.store(words, CopyWord.STATE, CopyState.STOP);
  });
  return { result, asked, order };
}

describe('a copying thread', () => {
  it('looks whether it is still the same thread right before the copy, and copies as many bytes as it was told', () => {
    const { result, asked, order } = copyOnce();
    expect(result).toBe(0);
    expect(order).toEqual(['look at 9', 'copy']);
    expect(asked).toEqual([{ pid: 77, remote: 0xabcdefn, lengths: [10n, 10n], write: false }]);
    expect(copyOnce({ direction: Direction.TO_CALLER }).asked).toMatchObject([{ pid: 77, write: true }]);
  });

  it('touches no memory of a caller that is gone: its pid may be somebody else by now', () => {
    const { result, asked } = copyOnce({ alive: false });
    expect(result).toBe(-Errno.ESRCH);
    expect(asked).toEqual([]);
  });

  it.each([0, 1, 9])('takes a copy of %i bytes of 10 for EFAULT', (copied) => {
    expect(copyOnce({ copied }).result).toBe(-Errno.EFAULT);
    expect(copyOnce({ copied, direction: Direction.TO_CALLER }).result).toBe(-Errno.EFAULT);
  });

  it('passes on what the system call says', () => {
    expect(copyOnce({ copied: -Errno.EPERM }).result).toBe(-Errno.EPERM);
  });
});
