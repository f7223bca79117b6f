/** A worker thread: takes one order after the other until it is asked to end. Loaded by URL, so a file of its own. */
import { parentPort, workerData } from 'node:worker_threads';
import { CallMemory, Word } from './call-memory.js';
import { loadLibc, type Libc } from './libc.js';
import { carryOut } from './worker-calls.js';
import type { Called, ToWorker, WorkerSetup } from './worker-messages.js';

const setup = workerData as WorkerSetup;
const port = parentPort!;

async function load(): Promise<Libc> {
  if (setup.libc === undefined) return loadLibc();
  const substitute = (await import(setup.libc.module)) as { loadLibc(options: unknown): Libc | Promise<Libc> };
  return substitute.loadLibc(setup.libc.options);
}

const memory = new CallMemory(setup.memory);
const ready = load().then((libc) => {
  Atomics.store(memory.words, Word.TID, libc.gettid());
  if (setup.uninterruptible) libc.blockSignals();
  return libc;
});

// Listening from the start keeps the thread alive while koffi loads; where that fails, the main thread gets the error.
port.on('message', (message: ToWorker) => {
  void ready.then((libc) => {
    if (message === null) port.close();
    else {
      const { id, order } = message;
      const called = (): void => port.postMessage({ id, called: true } satisfies Called);
      port.postMessage(carryOut(id, order, memory, libc, called));
    }
  });
});
