/** What rings need of the system, of this system. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { ftruncateSync, readlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Errno } from '../../../src/base/errno.js';
import { loadRingLibc } from '../../../src/poolioc/rings/ring-libc.js';

const BYTES = 1 << 20;

describe.runIf(process.platform === 'linux')('memory and sockets of two processes', () => {
  it('is memory of a size that stays, seen by all who map it, until it is discarded', async () => {
    const libc = await loadRingLibc();
    const fd = libc.memory(BYTES);
    expect(fd).toBeGreaterThanOrEqual(0);
    expect(libc.checkMemory(fd, BYTES)).toBe(0);
    expect(libc.checkMemory(fd, BYTES / 2)).toBe(-Errno.EINVAL);
    for (const size of [0, BYTES / 2, BYTES * 2]) {
      expect(() => ftruncateSync(fd, size)).toThrow(expect.objectContaining({ code: 'EPERM' }));
    }
    const [one, two] = [libc.map(fd, BYTES)!, libc.map(fd, BYTES)!];
    libc.close(fd);
    Atomics.store(new Int32Array(one), 1000, 42);
    expect(Atomics.load(new Int32Array(two), 1000)).toBe(42);
    libc.discard(one);
    expect(Atomics.load(new Int32Array(two), 1000)).toBe(0);
  });

  it('tells memory from what is none, and maps nothing that is not there', async () => {
    const libc = await loadRingLibc();
    const [one, two] = libc.pair();
    expect(libc.checkMemory(one, BYTES)).toBeLessThan(0);
    expect(libc.map(one, BYTES)).toBeNull();
    expect(libc.map(-1, BYTES)).toBeNull();
    for (const socket of [one, two]) libc.close(socket);
  });

  it('wakes who watches the other socket, once however often it is rung, and tells when it is gone', async () => {
    const libc = await loadRingLibc();
    const [own, other] = libc.pair();
    const heard: boolean[] = [];
    let told = (): void => {};
    const watched = libc.watch(own, () => {
      heard.push(libc.hear(own));
      told();
    });
    // A watched socket keeps nothing alive; this does, for so long.
    const alive = setInterval(() => {}, 1000);
    const woken = (): Promise<void> => new Promise((resolve) => (told = resolve));
    let next = woken();
    for (let n = 0; n < 100; n += 1) libc.ring(other);
    await next;
    expect(heard).toEqual([true]);
    expect(libc.hear(own)).toBe(true);
    next = woken();
    libc.close(other);
    await next;
    expect(heard).toEqual([true, false]);
    watched.unwatch();
    watched.unwatch();
    // A process that rings at one that is gone gets no SIGPIPE.
    libc.ring(own);
    libc.close(own);
    clearInterval(alive);
  });

  it('hears that the other end is gone where both had bells unread: of that it is told no second time', async () => {
    const libc = await loadRingLibc();
    const [own, other] = libc.pair();
    for (const socket of [own, other]) libc.ring(socket);
    libc.close(other);
    const heard: boolean[] = [];
    const alive = setInterval(() => {}, 1000);
    await new Promise<void>((resolve) => {
      const watched = libc.watch(own, () => {
        heard.push(libc.hear(own));
        watched.unwatch();
        resolve();
      });
    });
    clearInterval(alive);
    expect(heard).toEqual([false]);
    libc.close(own);
  });

  it('never waits for a process that does not listen', async () => {
    const libc = await loadRingLibc();
    const [own, other] = libc.pair();
    for (let n = 0; n < 10_000; n += 1) libc.ring(own);
    expect(libc.hear(other)).toBe(true);
    libc.close(own);
    libc.close(other);
  });

  it("borrows descriptors of another process, and gives the system's reason where it can't", async () => {
    const libc = await loadRingLibc();
    const child = spawn('sleep', ['60'], { stdio: ['pipe', 'ignore', 'ignore'] });
    await once(child, 'spawn');
    const fd = libc.borrow(child.pid!, 0);
    expect(readlinkSync(`/proc/self/fd/${fd}`)).toBe(readlinkSync(`/proc/${child.pid}/fd/0`));
    libc.close(fd);
    expect(libc.borrow(child.pid!, 77)).toBe(-Errno.EBADF);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(libc.borrow(child.pid!, 0)).toBe(-Errno.ESRCH);
  });
});
