/** A worker thread: takes one order after the other until it is asked to end. Loaded by URL, so a file of its own. */
import { parentPort, workerData } from 'node:worker_threads';
import { LoadGate } from '../base/load-gate.js';
import { CallMemory, Word } from './threads/call-memory.js';
import { loadLibc, type Libc } from './libc.js';
import { orderIn } from './threads/order-words.js';
import { execute } from './threads/execute.js';
import { NEWS, type Called, type SyscallRequest, type ToWorker, type WorkerSetup } from './threads/worker-messages.js';

const setup = workerData as WorkerSetup;
const port = parentPort!;

async function load(): Promise<Libc> {
  const libc = await findLibc();
  // Through koffi as well.
  if (setup.uninterruptible) libc.blockSignals();
  Atomics.store(words, Word.TID, libc.gettid());
  return libc;
}

async function findLibc(): Promise<Libc> {
  if (setup.libc === undefined) return loadLibc();
  const substitute = (await import(setup.libc.module)) as { loadLibc(options: unknown): Libc | Promise<Libc> };
  return substitute.loadLibc(setup.libc.options);
}

const memory = new CallMemory(setup.memory);
const { words } = memory;
const ready = new LoadGate(setup.gate).load(load);

// Listening from the start keeps the thread alive while koffi loads; where that fails, the main thread gets the error.
port.on('message', (message: ToWorker) => {
  void ready.then((libc) => {
    if (message === null) {
      end();
      return;
    }
    Atomics.store(words, Word.WAITS, 1);
    make(message.id, message.order, libc);
    takeOrders(message.id, libc);
  });
});

/** Deno's parentPort can't be closed, and its thread ends with this; a thread of Node ends by itself, which loses nothing. */
function end(): void {
  if ('close' in port) port.close();
  else process.exit();
}

function make(id: number, order: SyscallRequest, libc: Libc): void {
  const news = (): void => port.postMessage(NEWS);
  const called = (): void => port.postMessage({ id, called: true } satisfies Called);
  port.postMessage(execute(id, order, memory, libc, { news, called }));
}

/**
 * Waits for orders in the shared memory: a thread that waits there is woken in half of the time that a message takes. Comes
 * back where the next order is a message.
 */
function takeOrders(last: number, libc: Libc): void {
  for (;;) {
    Atomics.wait(words, Word.ORDER, last);
    const id = Atomics.load(words, Word.ORDER);
    if (id === last) continue;
    const order = orderIn(words);
    if (order === null) return;
    make(id, order, libc);
    last = id;
  }
}
