// Dials itself and talks, once for each line of its input, and says what came of it. It stops itself (SIGSTOP) before and
// after, so that whoever runs it can attach a tracer that makes system calls fail. Run by test/pool/injected-errors.test.ts.
import { createInterface } from 'node:readline';
import { type Conn, dial, type Listener, listen, PoolError } from '../../src/index.js';

/** ms for a dial, a close, and the whole of it. */
const DIAL_MS = 2000;
const ALL_MS = 15_000;

export interface Outcome {
  /** It went as if nothing had failed. */
  done: boolean;
  /** Codes of what failed. */
  codes: string[];
  /** What failed otherwise than with a PoolError, or did not end. */
  wrong: string[];
}

async function talk(): Promise<Outcome> {
  const outcome: Outcome = { done: false, codes: [], wrong: [] };
  const failed = (error: unknown): void => {
    if (error instanceof PoolError) outcome.codes.push(error.code);
    else outcome.wrong.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  };
  let listener: Listener | null = null;
  let conn: Conn | null = null;
  const late = setTimeout(() => outcome.wrong.push(`not over after ${ALL_MS} ms`), ALL_MS);
  try {
    listener = await listen('127.0.0.1:0', { backend: 'user' });
    const serving = listener.serve(
      async (peer) => {
        for await (const message of peer) await peer.writeMessage(message);
      },
      { onError: failed },
    );
    serving.catch(failed);
    conn = await dial(listener.addr, { backend: 'user', timeout: DIAL_MS });
    for (const size of [1, 3000, 60_000]) {
      const message = Buffer.alloc(size, size % 251);
      await conn.writeMessage(message);
      const echoed = await conn.readMessage({ signal: AbortSignal.timeout(DIAL_MS) });
      if (echoed === null || !message.equals(echoed)) outcome.wrong.push(`an echo of ${size} bytes is another`);
    }
    await conn.close({ closeTimeout: DIAL_MS });
    outcome.done = true;
  } catch (error) {
    failed(error);
  }
  conn?.destroy();
  await listener?.close({ connections: 'destroy' }).catch(failed);
  clearTimeout(late);
  return outcome;
}

// What pool-ts and Node load at first use is none of the trace.
await talk();
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
while ((await lines.next()).done !== true) {
  process.kill(process.pid, 'SIGSTOP');
  const outcome = await talk();
  process.kill(process.pid, 'SIGSTOP');
  console.log(JSON.stringify(outcome));
}
