import { describe, expect, it } from 'vitest';
import { CallerPins } from '../../../src/pooldev/memory/caller.js';

/** Threads by pid; a file opened for one stays its own. */
function processes() {
  const alive = new Map<number, symbol>();
  const files = new Map<number, symbol>();
  let next = 10;
  const libc = {
    open(path: string) {
      const thread = alive.get(Number(/^\/proc\/(\d+)\/(?:comm|pagemap)$/.exec(path)?.[1]));
      if (thread === undefined) return -2;
      files.set(next, thread);
      return next++;
    },
    close(fd: number) {
      if (!files.delete(fd)) throw new Error(`fd ${fd} is not open`);
      return 0;
    },
    pread: (fd: number) => ([...alive.values()].includes(files.get(fd) ?? Symbol('closed')) ? 5 : -3),
  };
  return { alive, files, libc };
}

describe('CallerPins', () => {
  it('refuses pid 0 and a thread that is gone', () => {
    const { libc } = processes();
    const pins = new CallerPins(libc);
    expect(pins.pin({ pid: 0, uid: 0 })).toBeNull();
    expect(pins.pin({ pid: 7, uid: 0 })).toBeNull();
  });

  it('keeps one file for the calls of one thread', () => {
    const { alive, files, libc } = processes();
    alive.set(7, Symbol());
    const pins = new CallerPins(libc);
    const first = pins.pin({ pid: 7, uid: 1 });
    const second = pins.pin({ pid: 7, uid: 1 });
    expect(first?.pin).toBe(second?.pin);
    first?.release();
    first?.release();
    second?.release();
    expect(files.size).toBe(1);
    pins.close();
    expect(files.size).toBe(0);
  });

  it('tells a thread from a later one with its pid, and keeps the file of the first as long as it is used', () => {
    const { alive, files, libc } = processes();
    alive.set(7, Symbol());
    const pins = new CallerPins(libc);
    const first = pins.pin({ pid: 7, uid: 0 });
    alive.set(7, Symbol());
    const second = pins.pin({ pid: 7, uid: 0 });
    expect(second?.pin).not.toBe(first?.pin);
    expect(libc.pread(first?.pin ?? 0)).toBeLessThan(0);
    expect(libc.pread(second?.pin ?? 0)).toBeGreaterThan(0);
    expect(files.size).toBe(2);
    first?.release();
    expect(files.size).toBe(1);
  });

  it('keeps few files, the ones used last', () => {
    const { alive, files, libc } = processes();
    const pins = new CallerPins(libc, 2);
    for (const pid of [1, 2, 3, 4]) {
      alive.set(pid, Symbol());
      pins.pin({ pid, uid: 0 })?.release();
    }
    expect(files.size).toBe(2);
    const before = pins.pin({ pid: 3, uid: 0 })?.pin;
    expect(before).toBe(12);
  });

  it('opens the table of its pages when it is first asked for, and closes it with the other file', () => {
    const { alive, files, libc } = processes();
    alive.set(7, Symbol());
    const pins = new CallerPins(libc);
    const caller = pins.pin({ pid: 7, uid: 0 });
    expect(files.size).toBe(1);
    expect(caller?.pages()).toBe(pins.pin({ pid: 7, uid: 0 })?.pages());
    expect(files.size).toBe(2);
    alive.delete(7);
    expect(pins.pin({ pid: 7, uid: 0 })).toBeNull();
    caller?.release();
    expect(files.size).toBe(2);
    pins.close();
  });
});
