import { describe, expect, it } from 'vitest';
import { TableWatcher } from '../../../../src/pool/kernel/table/table-watcher.js';
import type { TableChangeOptions, TableState } from '../../../../src/poolioc/types.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A device whose calls wait until `change`, or until they are taken back. */
function device(tells: boolean) {
  const asked: TableChangeOptions[] = [];
  let number = 0n;
  let answer: (() => void) | undefined;
  return {
    asked,
    change: (): void => answer?.(),
    tableChange: (_known: TableState | null, options: TableChangeOptions = {}): Promise<TableState> => {
      asked.push(options);
      return new Promise((resolve, reject) => {
        options.signal?.addEventListener('abort', () => reject(options.signal!.reason as Error));
        answer = () =>
          resolve(
            tells
              ? { number: (number += 1n), port: 0, digest: null }
              : { number: null, port: null, digest: new Uint8Array() },
          );
      });
    },
  };
}

/** What is asked for after a first answer, where these are wanted one after the other. */
async function askedFor(tells: boolean, wants: { interval: number; counters: boolean }[]) {
  const scripted = device(tells);
  const watcher = new TableWatcher({ device: scripted, changed() {}, pause: turn });
  watcher.want(wants[0]!);
  scripted.change();
  await turn();
  scripted.asked.length = 0;
  for (const want of wants.slice(1)) {
    watcher.want(want);
    await turn();
  }
  const asked = scripted.asked.map(({ interval, counters }) => ({ interval, counters }));
  watcher.want(null);
  await turn();
  return asked;
}

describe('the call that waits for changes of the table', () => {
  const table = { interval: 25, counters: false };
  const messages = { interval: 25, counters: true };

  it('is made anew where messages become news on a device that tells of changes, else it waits on', async () => {
    expect(await askedFor(true, [table, messages])).toEqual([messages]);
    expect(await askedFor(true, [messages, table])).toEqual([]);
    expect(await askedFor(true, [table, { ...table, interval: 5 }])).toEqual([]);
    expect(await askedFor(true, [table, { ...messages, interval: 5 }])).toEqual([{ ...messages, interval: 5 }]);
  });

  it('is made anew for any other wish where a thread looks at the table', async () => {
    expect(await askedFor(false, [table, messages])).toEqual([messages]);
    expect(await askedFor(false, [messages, table])).toEqual([table]);
    expect(await askedFor(false, [table, { ...table, interval: 5 }])).toEqual([{ ...table, interval: 5 }]);
    expect(await askedFor(false, [table, { ...table }])).toEqual([]);
  });

  it('is taken back where nobody wants to know, and made again for who does', async () => {
    const scripted = device(true);
    const watcher = new TableWatcher({ device: scripted, changed() {}, pause: turn });
    watcher.want(table);
    watcher.want(null);
    await turn();
    expect(scripted.asked.map(({ signal }) => signal?.aborted)).toEqual([true]);
    watcher.want(messages);
    await turn();
    expect(scripted.asked.map(({ signal }) => signal?.aborted)).toEqual([true, false]);
    watcher.want(null);
    await turn();
  });
});
