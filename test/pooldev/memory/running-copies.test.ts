import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { RunningCopies } from '../../../src/pooldev/memory/running-copies.js';

describe('copies that run', () => {
  it('are counted while they do, and waited for', () => {
    const own = new RunningCopies();
    const theirs = new RunningCopies(own.shared);
    const nothing = new Uint8Array(0);
    const seen: boolean[] = [];
    const look = (copied: number) => (_pid: number, _local: Uint8Array, _remote: Uint8Array) => {
      seen.push(own.over(0), own.over(1));
      return copied;
    };
    const libc = theirs.counted({ processVmRead: look(7), processVmWrite: look(-14) });
    expect([libc.processVmRead(1, nothing, nothing), libc.processVmWrite(1, nothing, nothing)]).toEqual([7, -14]);
    expect(seen).toEqual([false, false, false, false]);
    expect(own.over(0)).toBe(true);
  });

  it('wake who waits when the last one is over', async () => {
    const own = new RunningCopies();
    const word = new Int32Array(own.shared);
    Atomics.store(word, 0, 2);
    const script = `
      const word = new Int32Array(require('node:worker_threads').workerData);
      for (let left = 2; left > 0; left -= 1) { Atomics.sub(word, 0, 1); Atomics.notify(word, 0); }`;
    const thread = new Worker(script, { eval: true, workerData: own.shared, execArgv: [] });
    expect(own.over(30_000)).toBe(true);
    await new Promise((settle) => thread.once('exit', settle));
  });
});
