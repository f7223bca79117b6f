import { randomBytes } from 'node:crypto';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { constants } from 'node:os';
import fc from 'fast-check';
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

  it('copies into shared memory and out of it, whatever the addresses', async () => {
    const { copy } = await loadLibc();
    const shared = Buffer.from(new SharedArrayBuffer(70_000));
    const bytes = randomBytes(70_000);
    const place = fc.integer({ min: 0, max: 9 });
    const length = fc.oneof(fc.integer({ min: 0, max: 2048 }), fc.integer({ min: 0, max: 65_535 }));
    fc.assert(
      fc.property(place, place, length, (from, to, size) => {
        const [source, back] = [bytes.subarray(from, from + size), Buffer.alloc(size + 1, 0xee)];
        shared.fill(0xee);
        copy(shared.subarray(to), source);
        copy(back, shared.subarray(to, to + size));
        const around = [shared.subarray(0, to), shared.subarray(to + size), back.subarray(size)];
        expect(back.subarray(0, size).equals(source)).toBe(true);
        expect(around.every((rest) => rest.every((byte) => byte === 0xee))).toBe(true);
      }),
    );
  });

  it.each([8, 65_535])('copies nothing of %i bytes that have no room', async (size) => {
    const { copy } = await loadLibc();
    const to = new Uint8Array(new SharedArrayBuffer(size - 1));
    expect(() => copy(to, new Uint8Array(size).fill(1))).toThrow(RangeError);
    expect(to.every((byte) => byte === 0)).toBe(true);
  });

  it('installs a handler that interrupts and does nothing else', async () => {
    const libc = await loadLibc();
    libc.interruptBy(SIGURG);
    expect(libc.tgkill(process.pid, libc.gettid(), SIGURG)).toMatchObject({ ret: 0 });
    const caught = /^SigCgt:\s+([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]!;
    expect((BigInt(`0x${caught}`) >> BigInt(SIGURG - 1)) & 1n).toBe(1n);
  });
});
