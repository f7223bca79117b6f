import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { callerMemory } from '../../../src/pooldev/memory/caller-memory.js';
import { CopyState, Direction } from '../../../src/pooldev/memory/copy-channel.js';
import { CopyPool, type CopyTicket } from '../../../src/pooldev/memory/copy-pool.js';
import { Errno } from '../../../src/base/errno.js';
import { fakeCopyThreads } from '../fake-copies.js';

function threads() {
  const { start, ...rest } = fakeCopyThreads();
  return { pool: new CopyPool(start), ...rest };
}

/** Threads 10 to 19 are those of process 1, and so on. */
const ticket = (length: number, direction: number = Direction.FROM_CALLER, pid = 10): CopyTicket => ({
  ...{ pid, pin: 3, address: 0x1000n, length, direction },
  process: () => Math.floor(pid / 10),
});

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('CopyPool', () => {
  it('hands over what a thread read, and no more of it than was asked for', () => {
    const { pool, started } = threads();
    const done = vi.fn((_error: number, bytes: Buffer) => bytes.toString());
    pool.copy(ticket(5), undefined, done);
    started[0]?.data.write('hello world');
    started[0]?.run();
    expect(done).toHaveBeenCalledTimes(1);
    expect(done).toHaveReturnedWith('hello');
    pool.close();
    expect(started[0]).toMatchObject({ stopped: true });
    expect(started[0]?.state()).toBe(CopyState.STOP);
  });

  it('passes on what the system said', () => {
    const { pool, started } = threads();
    const done = vi.fn();
    pool.copy(ticket(5), undefined, done);
    started[0]?.run(-Errno.EPERM);
    expect(done.mock.calls[0]?.[0]).toBe(-Errno.EPERM);
    pool.close();
  });

  it('cancels what no thread took yet, and never what one took', () => {
    const { pool, started } = threads();
    const [first, second, third] = [vi.fn(), vi.fn(), vi.fn()];
    const asked = pool.copy(ticket(1), undefined, first);
    const waiting = pool.copy(ticket(1), undefined, second);
    expect([asked.cancel(), asked.cancel()]).toEqual([true, false]);
    // The waiting one has moved up.
    expect(started[0]?.take()).toBe(true);
    expect(waiting.cancel()).toBe(false);
    const behind = pool.copy(ticket(1), undefined, third);
    expect(behind.cancel()).toBe(true);
    started[0]?.run();
    expect([first, second, third].map((done) => done.mock.calls.length)).toEqual([0, 1, 0]);
    pool.close();
  });

  it('takes the bytes of a write that must wait at once', async () => {
    const { pool, started } = threads();
    pool.copy(ticket(1), undefined, vi.fn());
    const bytes = Buffer.from('before');
    pool.copy(ticket(6, Direction.TO_CALLER), bytes, vi.fn());
    bytes.write('after!');
    started[0]?.run();
    expect(started[0]?.data.toString('latin1', 0, 6)).toBe('before');
    pool.close();
  });

  it('starts another thread when one hangs, and gives the copy that hangs up with EFAULT', async () => {
    const { pool, started } = threads();
    const [hanging, other] = [vi.fn(), vi.fn()];
    pool.copy(ticket(1), undefined, hanging);
    started[0]?.take();
    pool.copy(ticket(1, Direction.FROM_CALLER, 20), undefined, other);
    await vi.advanceTimersByTimeAsync(50);
    expect(started).toHaveLength(2);
    started[1]?.run();
    expect(other.mock.calls[0]?.[0]).toBe(0);
    await vi.advanceTimersByTimeAsync(1000);
    expect(hanging.mock.calls[0]?.[0]).toBe(-Errno.EFAULT);
    // It comes loose at last: nobody hears of it, and the thread serves again.
    started[0]?.run();
    expect(hanging).toHaveBeenCalledTimes(1);
    const later = vi.fn();
    pool.copy(ticket(1), undefined, later);
    started[0]?.run();
    expect(later).toHaveBeenCalledTimes(1);
    pool.close();
  });

  it('does with the threads it has where the system gives no other, and asks again', async () => {
    const { pool, started, refuses } = threads();
    pool.copy(ticket(1), undefined, vi.fn());
    started[0]?.take();
    refuses.start = true;
    const [late, later] = [vi.fn(), vi.fn()];
    pool.copy(ticket(1, Direction.FROM_CALLER, 20), undefined, late);
    await vi.advanceTimersByTimeAsync(2000);
    expect(late.mock.calls[0]?.[0]).toBe(-Errno.EFAULT);
    pool.copy(ticket(1, Direction.FROM_CALLER, 20), undefined, later);
    await vi.advanceTimersByTimeAsync(100);
    expect(started).toHaveLength(1);
    refuses.start = false;
    await vi.advanceTimersByTimeAsync(50);
    expect(started).toHaveLength(2);
    started[1]?.run();
    expect(later.mock.calls[0]?.[0]).toBe(0);
    pool.close();
  });

  it('gives the copy of a thread that does not come up to one that is idle', async () => {
    const { pool, started, refuses } = threads();
    pool.copy(ticket(1), undefined, vi.fn());
    started[0]?.take();
    refuses.ready = true;
    const done = vi.fn();
    pool.copy(ticket(1, Direction.FROM_CALLER, 20), undefined, done);
    vi.advanceTimersByTime(25);
    expect(started).toHaveLength(2);
    started[0]?.run();
    // Of the microtasks, the one that tells.
    await vi.advanceTimersByTimeAsync(0);
    started[0]?.run();
    expect(done.mock.calls[0]?.[0]).toBe(0);
    pool.close();
  });

  it('is quiet when what has begun is done; what has not is forgotten, and nothing begins', async () => {
    const { pool, started } = threads();
    const [running, asked, waiting, late] = [vi.fn(), vi.fn(), vi.fn(), vi.fn()];
    pool.copy(ticket(1), undefined, running);
    started[0]?.take();
    pool.copy(ticket(1, Direction.FROM_CALLER, 20), undefined, asked);
    pool.copy(ticket(1, Direction.FROM_CALLER, 21), undefined, waiting);
    await vi.advanceTimersByTimeAsync(25);
    expect(started.map((thread) => thread.state())).toEqual([CopyState.RUNNING, CopyState.ASKED]);
    const quiet = vi.fn();
    void pool.quiet().then(quiet);
    await vi.advanceTimersByTimeAsync(500);
    expect(started[1]?.take()).toBe(false);
    pool.copy(ticket(1, Direction.FROM_CALLER, 30), undefined, late);
    expect(late.mock.calls[0]?.[0]).toBe(-Errno.EFAULT);
    expect([running, quiet].map((one) => one.mock.calls.length)).toEqual([0, 0]);
    started[0]?.run();
    await vi.advanceTimersByTimeAsync(0);
    expect([running, quiet].map((one) => one.mock.calls.length)).toEqual([1, 1]);
    await vi.advanceTimersByTimeAsync(2000);
    expect([asked, waiting].map((one) => one.mock.calls.length)).toEqual([0, 0]);
    expect(started).toHaveLength(2);
    pool.close();
  });

  it('is quiet while a copy hangs: once it is given up, or at once', async () => {
    const { pool, started } = threads();
    const [hanging, quiet, again] = [vi.fn(), vi.fn(), vi.fn()];
    pool.copy(ticket(1), undefined, hanging);
    started[0]?.take();
    void pool.quiet().then(quiet);
    await vi.advanceTimersByTimeAsync(999);
    expect(quiet).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect([hanging, quiet].map((one) => one.mock.calls.length)).toEqual([1, 1]);
    void pool.quiet().then(again);
    await vi.advanceTimersByTimeAsync(0);
    expect(again).toHaveBeenCalled();
    pool.close();
  });

  it('gives up no copy that has not begun, or that is done while its own thread was busy', async () => {
    const { pool, started } = threads();
    const slow = vi.fn();
    pool.copy(ticket(1), undefined, slow);
    await vi.advanceTimersByTimeAsync(2500);
    expect(slow).not.toHaveBeenCalled();
    started[0]?.run();
    expect(slow.mock.calls[0]?.[0]).toBe(0);

    const late = vi.fn();
    pool.copy(ticket(1), undefined, late);
    started[0]?.take();
    started[0]?.finishUnheard();
    await vi.advanceTimersByTimeAsync(1100);
    expect(late.mock.calls[0]?.[0]).toBe(0);
    pool.close();
  });

  it('never has more than four threads at work, and replaces those that are stuck, up to a bound', async () => {
    const { pool, started } = threads();
    for (let process = 1; process <= 8; process++) {
      pool.copy(ticket(1, Direction.FROM_CALLER, 10 * process), undefined, vi.fn());
    }
    await vi.advanceTimersByTimeAsync(90);
    // None has begun, as none of the threads is up yet: more of them would not help.
    expect(started).toHaveLength(4);
    started.forEach((thread) => thread.take());
    await vi.advanceTimersByTimeAsync(110);
    expect(started).toHaveLength(8);
    for (let process = 100; process < 130; process++) {
      pool.copy(ticket(1, Direction.FROM_CALLER, 10 * process), undefined, vi.fn());
      started.forEach((thread) => thread.take());
      await vi.advanceTimersByTimeAsync(1100);
      started.forEach((thread) => thread.take());
    }
    await vi.advanceTimersByTimeAsync(1100);
    expect(started).toHaveLength(4 + 12);
    pool.close();
  });

  it('gives a process one thread at a time, and each its turn', async () => {
    const { pool, started } = threads();
    const order: number[] = [];
    const copy = (pid: number) => pool.copy(ticket(1, Direction.FROM_CALLER, pid), undefined, () => order.push(pid));
    for (const pid of [10, 11, 12, 10, 11]) copy(pid);
    started[0]?.take();
    await vi.advanceTimersByTimeAsync(90);
    expect(started).toHaveLength(1);
    for (const pid of [20, 30, 21]) copy(pid);
    await vi.advanceTimersByTimeAsync(25);
    expect(started).toHaveLength(2);
    // One thread has the process that wants much, the other those that want little.
    started[1]?.run();
    started[1]?.run();
    started[1]?.run();
    expect(order).toEqual([20, 30, 21]);
    for (let round = 0; round < 5; round++) started.forEach((thread) => thread.run());
    expect(order.slice(3)).toEqual([10, 11, 12, 10, 11]);
    pool.close();
  });

  it('lets a process whose copies hang hurt only itself: what it has waiting fails, and is not tried', async () => {
    const { pool, started } = threads();
    const hanging = [10, 11, 12, 13].map((pid) => {
      const done = vi.fn();
      pool.copy(ticket(1, Direction.FROM_CALLER, pid), undefined, done);
      return done;
    });
    started[0]?.take();
    const honest = vi.fn();
    pool.copy(ticket(1, Direction.FROM_CALLER, 20), undefined, honest);
    await vi.advanceTimersByTimeAsync(30);
    expect(started).toHaveLength(2);
    started[1]?.run();
    expect(honest.mock.calls[0]?.[0]).toBe(0);
    await vi.advanceTimersByTimeAsync(1000);
    for (const done of hanging) expect(done.mock.calls[0]?.[0]).toBe(-Errno.EFAULT);
    expect(started[1]?.state()).toBe(CopyState.IDLE);
    // No thread is spent on it, whichever of its own asks...
    const again = vi.fn();
    expect(pool.copy(ticket(1, Direction.FROM_CALLER, 14), undefined, again).cancel()).toBe(false);
    expect(again.mock.calls[0]?.[0]).toBe(-Errno.EFAULT);
    // ...until it comes loose.
    started[0]?.run();
    const later = vi.fn();
    pool.copy(ticket(1, Direction.FROM_CALLER, 14), undefined, later);
    started.forEach((thread) => thread.run());
    expect(later.mock.calls[0]?.[0]).toBe(0);
    expect(started).toHaveLength(2);
    pool.close();
  });
});

describe('callerMemory', () => {
  it.each([
    ['address 0', 0n, 8],
    ['the kernel half', 2n ** 63n, 8],
    ['the end of all addresses', 2n ** 64n - 4n, 8],
    ['no bytes', 0x1000n, 0],
    ['more than a message', 0x1000n, 65536],
  ])('refuses %s before anything is copied', (_name, address, length) => {
    const copy = vi.fn();
    const memory = callerMemory({ copy }, { pin: () => null });
    const caller = { pid: 1, uid: 0, pin: 3, process: () => 1, pages: () => -1, release: () => {} };
    const errors: number[] = [];
    memory.read(caller, address, length, (error) => errors.push(error));
    memory.write(caller, address, new Uint8Array(length), (error) => errors.push(error));
    expect(errors).toEqual([-Errno.EFAULT, -Errno.EFAULT]);
    expect(copy).not.toHaveBeenCalled();
  });
});
