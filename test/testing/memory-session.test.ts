import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { SessionHandler } from '../../src/base/session.js';
import { memorySessions } from '../../src/testing/memory-session.js';

/** Writes down what happens at one end. */
function recorder(accept: () => boolean = () => true) {
  const log: string[] = [];
  const handler: SessionHandler = {
    message: (channel, data) => {
      log.push(`${channel}:${Buffer.from(data).toString()}`);
      return accept();
    },
    drain: () => void log.push('drain'),
    end: ({ by, error }) => void log.push(`end ${by}${error === undefined ? '' : ` ${error.code}`}`),
  };
  return { log, handler };
}

const settled = async (): Promise<void> => {
  for (let i = 0; i < 10; i++) await turn();
};

describe('a session in memory', () => {
  it('delivers in a later turn, in order, and CLOSE behind the data', async () => {
    const [a, b] = memorySessions();
    const { log, handler } = recorder();
    b.start(handler);
    a.send(0, Buffer.from('one'), () => log.push('done'));
    a.send(7, Buffer.from('two'), () => log.push('done'));
    expect(log).toEqual([]);
    await a.close({ timeout: 1000 });
    await settled();
    expect(log.filter((entry) => entry !== 'done')).toEqual(['0:one', '7:two', 'end remote']);
    expect(log.filter((entry) => entry === 'done')).toHaveLength(2);
  });

  it('keeps what it was given, whatever becomes of the buffer', async () => {
    const [a, b] = memorySessions();
    const { log, handler } = recorder();
    b.start(handler);
    const data = Buffer.from('kept');
    a.send(0, data, () => {});
    data.fill(0);
    await settled();
    expect(log).toEqual(['0:kept']);
  });

  it('says stop when the wire is full and drains when it is not', async () => {
    const [a, b] = memorySessions({ wireBytes: 10 });
    const sender = recorder();
    a.start(sender.handler);
    expect(a.send(0, new Uint8Array(9), () => {})).toBe(true);
    expect(a.send(0, new Uint8Array(9), () => {})).toBe(false);
    await settled();
    expect(sender.log).toEqual([]);
    b.start(recorder().handler);
    await settled();
    expect(sender.log).toEqual(['drain']);
  });

  it('brings nothing to a receiver that said stop', async () => {
    const [a, b] = memorySessions();
    const { log, handler } = recorder(() => false);
    b.start(handler);
    for (const text of ['1', '2', '3']) a.send(0, Buffer.from(text), () => {});
    await settled();
    expect(log).toEqual(['0:1']);
    b.resume();
    await settled();
    expect(log).toEqual(['0:1', '0:2']);
  });

  it('that is destroyed is a lost peer to the other end, behind what was sent', async () => {
    const [a, b] = memorySessions();
    const [own, other] = [recorder(), recorder()];
    a.start(own.handler);
    b.start(other.handler);
    a.send(0, Buffer.from('last'), () => {});
    a.destroy();
    await settled();
    expect(own.log).toEqual(['end local']);
    expect(other.log).toEqual(['0:last', 'end error ERR_POOL_PEER_LOST']);
  });

  it('that a peer does not read closes only as far as the wire holds, else times out', async () => {
    const [a] = memorySessions({ wireBytes: 10 });
    a.send(0, new Uint8Array(100), () => {});
    await expect(a.close({ timeout: 20 })).rejects.toMatchObject({ code: 'ERR_POOL_TIMEOUT' });
    const [c] = memorySessions({ wireBytes: 1000 });
    c.send(0, new Uint8Array(100), () => {});
    await c.close({ timeout: 1000 });
  });
});
