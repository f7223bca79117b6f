import { CopyState, copyChannel, CopyWord } from '../../src/pooldev/memory/copy-channel.js';
import type { StartCopyThread } from '../../src/pooldev/memory/copy-pool.js';

/** Threads that copy when the test says so; a hanging one never does. */
export function fakeCopyThreads() {
  const started: {
    run(result?: number): void;
    finishUnheard(): void;
    take(): boolean;
    state(): number;
    data: Buffer;
    stopped: boolean;
  }[] = [];
  /** What the system says of the next ones. */
  const refuses = { start: false, ready: false };
  const start: StartCopyThread = (shared, done) => {
    if (refuses.start) throw new Error('ERR_WORKER_INIT_FAILED: EAGAIN');
    const { words, data } = copyChannel(shared);
    const take = () =>
      Atomics.compareExchange(words, CopyWord.STATE, CopyState.ASKED, CopyState.RUNNING) === CopyState.ASKED;
    const thread = {
      data,
      stopped: false,
      take,
      state: () => Atomics.load(words, CopyWord.STATE),
      /** The copy is done, and the message that tells it is still under way. */
      finishUnheard() {
        words[CopyWord.RESULT] = 0;
        Atomics.store(words, CopyWord.STATE, CopyState.DONE);
      },
      run(result = 0) {
        if (thread.state() !== CopyState.RUNNING && !take()) return;
        words[CopyWord.RESULT] = result;
        Atomics.store(words, CopyWord.STATE, CopyState.DONE);
        done();
      },
    };
    started.push(thread);
    const ready = refuses.ready ? Promise.reject(new Error('out of memory')) : Promise.resolve();
    return { ready, stop: () => (thread.stopped = true) };
  };
  return { start, started, refuses };
}
