import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { O_CLOEXEC, O_RDWR, SIGURG, loadLibc } from '../../src/poolioc/libc.js';

const FIONREAD = 0x541b;
const { errno } = constants;

function isZero(fd: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`) === '/dev/zero';
  } catch {
    // The one that the list itself was read with.
    return false;
  }
}

describe.runIf(process.platform === 'linux')('libc', () => {
  it('returns the result and its errno', async () => {
    const libc = await loadLibc();
    expect(libc.open('/nowhere/pool', O_RDWR)).toEqual({ ret: -1, errno: errno.ENOENT });
    expect(libc.ioctl(-1, FIONREAD, null)).toEqual({ ret: -1, errno: errno.EBADF });
    expect(libc.close(-1)).toEqual({ ret: -1, errno: errno.EBADF });
    expect(libc.tgkill(process.pid, 2 ** 30, 0)).toEqual({ ret: -1, errno: errno.ESRCH });
  });

  it('opens with close-on-exec, and says what is open', async () => {
    const libc = await loadLibc();
    const { ret: zero } = libc.open('/dev/zero', O_RDWR | O_CLOEXEC);
    const { ret: again } = libc.open('/dev/zero', O_RDWR | O_CLOEXEC);
    expect(readFileSync(`/proc/self/fdinfo/${zero}`, 'utf8')).toMatch(/^flags:\s+02\d*2$/m);
    expect(libc.describe(zero)).toMatchObject({ isCharacterDevice: true });
    expect(libc.describe(zero)).toEqual(libc.describe(again));
    for (const fd of [zero, again]) expect(libc.close(fd).ret).toBe(0);
    expect(readdirSync('/proc/self/fd').filter(isZero)).toEqual([]);
  });

  it('gives addresses of shared memory that stay', async () => {
    const libc = await loadLibc();
    const memory = new SharedArrayBuffer(64);
    const address = libc.address(Buffer.from(memory));
    expect(libc.address(Buffer.from(memory, 8))).toBe(address + 8n);
    expect(libc.address(new Uint8Array(memory))).toBe(address);
  });

  it('installs a handler that interrupts and does nothing else', async () => {
    const libc = await loadLibc();
    libc.interruptBy(SIGURG);
    expect(libc.tgkill(process.pid, libc.gettid(), SIGURG)).toMatchObject({ ret: 0 });
    const caught = /^SigCgt:\s+([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]!;
    expect((BigInt(`0x${caught}`) >> BigInt(SIGURG - 1)) & 1n).toBe(1n);
  });
});
