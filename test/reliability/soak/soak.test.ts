/** The soak, for some seconds; and that each of its detectors sees what it is for. */
import { describe, expect, it } from 'vitest';
import { PoolError } from '../../../src/index.js';
import type { Conn } from '../../../src/index.js';
import { pipe } from '../../../src/testing/index.js';
import { testSeed } from '../../random.js';
import { reached, timeout, tries } from '../figures.js';
import { converse, type Seen, wrongEnd } from './conversation.js';
import { CHANNELS, lifeOf, type Life } from './life.js';
import { open, seal, Wrong } from './message.js';
import { soak } from './soak.js';
import { grown, type Sample } from './verdict.js';

describe('the soak', () => {
  it('loses, doubles and changes nothing, and leaves nothing behind', { timeout: timeout('Z1', 180_000) }, async () => {
    const lines: string[] = [];
    const failures = await soak({
      minutes: tries('Z1') / 60,
      rekeySeconds: 1,
      killsAMinute: 12,
      seed: testSeed('soak'),
      print: (line) => lines.push(line),
    });
    expect(failures, lines.join('\n')).toEqual([]);
    reached('Z1', tries('Z1'));
  });
});

describe('a conversation of the soak', () => {
  const seen = (): Seen => ({ messages: 0, bytes: 0, cancelled: 0, delay: () => undefined });
  const life: Life = {
    ...lifeOf(1, 1, false),
    channels: [0, 1],
    pace: 0,
    cancelled: 0.3,
    network: null,
    end: 'close',
    by: 'client',
  };
  const MESSAGES = 20;

  /** The client's third message meets `fault` on its way out. Returns how both sides ended. */
  async function ends(fault: (conn: Conn, message: Uint8Array) => Promise<void>): Promise<(string | null)[]> {
    const [client, server] = pipe({ channels: CHANNELS });
    const write = client.writeMessage.bind(client);
    let written = 0;
    client.writeMessage = (message) => {
      written += 1;
      return written === 3 ? fault({ ...client, writeMessage: write }, message as Uint8Array) : write(message);
    };
    const sides = [
      converse(client, life, 'client', MESSAGES, seen()),
      converse(server, life, 'server', MESSAGES, seen()),
    ];
    return (await Promise.allSettled(sides)).map((end) =>
      end.status === 'fulfilled' ? null : wrongEnd(end.reason, false),
    );
  }

  it('is complete on both sides when nothing goes wrong', async () => {
    expect(await ends((conn, message) => conn.writeMessage(message))).toEqual([null, null]);
  });

  it('sees a message that is lost, doubled, or changed', async () => {
    const lost = await ends(async () => undefined);
    expect(lost[1]).toBe('life 1, channel 0, from the client, message 2: came with index 3');
    const doubled = await ends(async (conn, message) => {
      await conn.writeMessage(message);
      await conn.writeMessage(message);
    });
    expect(doubled[1]).toBe('life 1, channel 0, from the client, message 3: came with index 2');
    const changed = await ends(async (conn, message) => {
      message[message.length - 1]! ^= 1;
      await conn.writeMessage(message);
    });
    expect(changed[1]).toBe('life 1, channel 0, from the client, message 2: its digest is another');
  });

  it('sees an end that comes too early, even an orderly one', async () => {
    const [client, server] = pipe({ channels: CHANNELS });
    const side = converse(server, life, 'server', MESSAGES, seen());
    await client.close();
    await expect(side).rejects.toThrow(Wrong);
  });

  it('sees it where a writer learns of it first', async () => {
    const [client, server] = pipe({ channels: CHANNELS });
    // Its reads are late: until it is over they have nothing to say.
    server.readMessage = async () => server.closed.then(() => Promise.reject(new Error('too late')));
    const side = converse(server, { ...life, cancelled: 0, channels: [0] }, 'server', MESSAGES, seen());
    await client.close();
    await expect(side).rejects.toThrow('life 1: the other side closed it before all was said');
  });
});

describe('a message of the soak', () => {
  const place = { life: 7, channel: 2, from: 'client', index: 5 } as const;
  const message = seal(place, true, Buffer.from('contents'), 12.5);

  it('is itself, and nothing else', () => {
    expect(open(message, place)).toEqual({ last: true, sentAt: 12.5 });
    for (const other of [{ life: 8 }, { channel: 3 }, { from: 'server' }, { index: 4 }] as const) {
      expect(() => open(message, { ...place, ...other })).toThrow(Wrong);
    }
    expect(() => open(message.subarray(1), place)).toThrow('its digest is another');
    expect(() => open(message.subarray(0, 30), place)).toThrow('30 bytes are no message');
  });
});

describe('the verdict of the soak', () => {
  const MIB = 1024 * 1024;
  const hour = (change: (index: number) => Partial<Sample>): Sample[] =>
    Array.from({ length: 12 }, (_, index) => ({
      minutes: 5 * (index + 1),
      // Two readings of the same state differ.
      heap: 10 * MIB + (index % 2) * 100_000,
      descriptors: 27,
      threads: 12,
      sessions: 0,
      ...change(index),
    }));

  it('passes what stays as it is, whatever the first minutes held', () => {
    expect(
      grown(
        'server',
        hour(() => ({})),
      ),
    ).toEqual([]);
    expect(
      grown(
        'server',
        hour((index) => (index === 0 ? { heap: 7 * MIB } : {})),
      ),
    ).toEqual([]);
  });

  it('sees a descriptor, a thread and a session that stay, and a heap that grows', () => {
    expect(
      grown(
        'server',
        hour((index) => ({ descriptors: index > 6 ? 28 : 27 })),
      ),
    ).toHaveLength(5);
    expect(
      grown(
        'server',
        hour((index) => ({ threads: index === 11 ? 13 : 12 })),
      ),
    ).toEqual(['the server after 60.0 min: 13 threads, 12 at first']);
    expect(
      grown(
        'server',
        hour((index) => ({ sessions: index === 3 ? 1 : 0 })),
      ),
    ).toHaveLength(1);
    const growing = hour((index) => ({ heap: 10 * MIB + index * 0.15 * MIB }));
    expect(grown('server', growing)).toEqual(['the server: its heap grew by 1536 KiB in 50 min']);
    expect(grown('server', [])).toHaveLength(1);
  });

  it('lets a life end as its fault may end it, and with nothing else', () => {
    const lost = new PoolError('ERR_POOL_PEER_LOST', 'gone');
    expect(wrongEnd(lost, false)).toBeNull();
    expect(wrongEnd(lost, true)).toContain('a life without a fault ended');
    expect(wrongEnd(new TypeError('undefined is no function'), false)).toContain('TypeError');
    expect(wrongEnd(new PoolError('ERR_INVALID_ARG_TYPE', 'no'), false)).toContain('ERR_INVALID_ARG_TYPE');
    expect(wrongEnd(new Wrong('lost'), false)).toBe('lost');
  });
});
