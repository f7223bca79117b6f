/**
 * What it costs to hand something to another thread and to hear of it: half of the time of a thousand round trips, one after
 * the other, between this thread and a worker that does nothing else.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

const TRIPS = 20_000;
const WARM_UP = 2000;

/** Atomics.waitAsync (ES2024), which the types of Node 20 don't have. */
type WaitAsync = (words: Int32Array, at: number, value: number) => { async: boolean; value: Promise<string> | string };

const WORKER = `
const { parentPort, workerData } = require('node:worker_threads');
const { words, wait, say } = workerData;
const tell = (turn) => {
  if (say === 'message') return parentPort.postMessage(turn);
  Atomics.store(words, 1, turn);
  Atomics.notify(words, 1);
};
if (wait === 'message') parentPort.on('message', tell);
else {
  parentPort.postMessage(0);
  for (let turn = 0; ; ) {
    Atomics.wait(words, 0, turn);
    turn = Atomics.load(words, 0);
    if (turn < 0) break;
    tell(turn);
  }
}
`;

export interface Hop {
  /** How the worker is told, and how it tells. */
  there: 'message' | 'notify';
  back: 'message' | 'waitAsync';
  /** µs of one hop, the mean of both ways. */
  time: number;
  /** µs of CPU of one hop, of both threads. */
  cpu: number;
}

/** One way there and one way back. */
export async function measureHop(there: Hop['there'], back: Hop['back']): Promise<Hop> {
  const words = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(WORKER, { eval: true, workerData: { words, wait: there, say: back }, execArgv: [] });
  if (there === 'notify') await once(worker, 'message');
  else await once(worker, 'online');
  const waitAsync = (Atomics as unknown as { waitAsync: WaitAsync }).waitAsync;
  let told: (() => void) | undefined;
  worker.on('message', () => told?.());
  // A pending waitAsync keeps no process alive.
  const alive = setInterval(() => {}, 1000);
  const trip = async (turn: number): Promise<void> => {
    const answered = back === 'message' ? new Promise<void>((resolve) => (told = resolve)) : undefined;
    if (there === 'message') worker.postMessage(turn);
    else {
      Atomics.store(words, 0, turn);
      Atomics.notify(words, 0);
    }
    if (answered !== undefined) return answered;
    await waitAsync(words, 1, turn - 1).value;
  };
  for (let turn = 1; turn <= WARM_UP; turn += 1) await trip(turn);
  const used = process.cpuUsage();
  const began = performance.now();
  for (let turn = WARM_UP + 1; turn <= WARM_UP + TRIPS; turn += 1) await trip(turn);
  const took = performance.now() - began;
  const { user, system } = process.cpuUsage(used);
  clearInterval(alive);
  Atomics.store(words, 0, -1);
  Atomics.notify(words, 0);
  await worker.terminate();
  const hops = 2 * TRIPS;
  return { there, back, time: (1000 * took) / hops, cpu: (user + system) / hops };
}
