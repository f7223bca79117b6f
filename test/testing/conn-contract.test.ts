import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Conn } from '../../src/pool/flow/conn.js';
import type { ReadMessagesOptions } from '../../src/pool/op-options.js';
import { type MakePipe, pipe, testConn } from '../../src/testing/index.js';

/** A pair in which each call of `method` goes through `fault` instead. */
function faulty<Name extends keyof Conn>(
  method: Name,
  fault: (conn: Conn, real: (...args: unknown[]) => unknown, args: unknown[]) => unknown,
): MakePipe {
  return async () => {
    const [c1, c2] = pipe();
    for (const conn of [c1, c2]) {
      const real = (conn[method] as unknown as (...args: unknown[]) => unknown).bind(conn);
      Object.defineProperty(conn, method, {
        value: (...args: unknown[]) => fault(conn, real, args),
        configurable: true,
      });
    }
    return {
      c1,
      c2,
      stop: async () => {
        c1.destroy();
        c2.destroy();
      },
    };
  };
}

/** Planted faults, and the check that must notice each. */
const faults: Record<string, [string, MakePipe]> = {
  'a cancelled read takes its message with it': [
    'a cancelled read loses nothing, and the signal keeps no listener',
    faulty('readMessage', (_conn, real, args) => {
      const [options] = args as [ReadMessagesOptions?];
      if (options?.signal === undefined) return real(...args);
      const { signal } = options;
      const aborted = new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason as Error)),
      );
      return Promise.race([real(), aborted]);
    }),
  ],
  'deadlines are forgotten': ['nettest PresentTimeout', faulty('setReadDeadline', () => undefined)],
  'a read fills its buffer later': [
    'a read fills from one message and keeps the rest',
    faulty('read', async (_conn, real, args) => {
      const own = new Uint8Array((args[0] as Uint8Array).length);
      const count = (await (real(own) as Promise<number | null>)) ?? 0;
      setTimeout(() => (args[0] as Uint8Array).set(own), 5);
      return count;
    }),
  ],
  'messages run together': [
    'messages keep their boundaries and their order',
    faulty('writeMessage', (conn, real, args) => {
      const data = Buffer.from(args[0] as Uint8Array);
      return data.length < 100 ? conn.write(Buffer.concat([data, data])) : real(...args);
    }),
  ],
  'an empty message goes out': [
    'a message that is empty or too long is refused before anything is sent',
    faulty('writeMessage', (_conn, real, args) => (args[0] === '' ? Promise.resolve() : real(...args))),
  ],
  'close leaves pending reads waiting': [
    'close ends pending reads at once and refuses later calls',
    faulty('close', async () => turn()),
  ],
  'closing destroys': ['close sends what was written', faulty('close', async (conn) => conn.destroy())],
  'a loop that is left closes': [
    'leaving a loop does not close',
    faulty(Symbol.asyncIterator, (conn, real) => {
      const iterator = real() as AsyncIterableIterator<Uint8Array>;
      const leave = iterator.return!.bind(iterator);
      iterator.return = () => {
        conn.destroy();
        return leave();
      };
      return iterator;
    }),
  ],
  'the figures of a session are no JSON': [
    'both ends agree on the session, and its figures can be read',
    faulty('info', async (_conn, real) => ({ ...((await real()) as object) })),
  ],
  'a channel is a new one each time': [
    'opening a channel twice gives the same one',
    faulty('openChannel', async (_conn, real, args) => Object.create((await real(...args)) as object) as unknown),
  ],
};

describe('the contract', () => {
  it.each(Object.entries(faults))('notices when %s', async (_fault, [name, makePipe]) => {
    const check = testConn(makePipe, { timeout: 2000 }).find((candidate) => candidate.name === name);
    await expect(check!.run()).rejects.toThrow();
  });

  it('has each check once, and the eleven of nettest', () => {
    const names = testConn(faulty('read', (_conn, real, args) => real(...args))).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => name.startsWith('nettest '))).toHaveLength(11);
  });

  it('stops the pair of a check that fails', async () => {
    let stopped = 0;
    const makePipe: MakePipe = async () => {
      const [c1, c2] = pipe();
      c1.destroy();
      return { c1, c2, stop: async () => void (stopped += 1) };
    };
    await expect(testConn(makePipe)[0]!.run()).rejects.toThrow();
    expect(stopped).toBe(1);
  });
});
