/** The rules about channels, and about the session as a whole. */
import assert from 'node:assert/strict';
import type { Channel } from '../pool/flow/channel.js';
import {
  type Check,
  type ConnPair,
  discard,
  LONG_AGO,
  pattern,
  readBytes,
  readText,
  rejects,
  timesOut,
  until,
  meanwhile,
} from './contract-case.js';
import { requester } from '../pool/requests/requester.js';
import { respond } from '../pool/requests/respond.js';

export const channels: Readonly<Record<string, Check>> = {
  'a channel carries its messages beside those of the Conn': async ({ c1, c2 }) => {
    const [a, b] = await openBoth({ c1, c2 }, 5);
    await Promise.all([a.writeMessage('on five'), c1.writeMessage('on the conn')]);
    assert.equal(await readText(b), 'on five');
    assert.equal(await readText(c2), 'on the conn');
    await b.write('back');
    assert.equal(await readText(a), 'back');
    assert.equal(a.channel, 5);
    assert.equal(a.conn, c1);
    assert.equal(a.remoteAddr.toString(), c1.remoteAddr.toString());
  },

  'opening a channel twice gives the same one': async ({ c1 }) => {
    const [a, b] = await Promise.all([c1.openChannel(7), c1.openChannel(7)]);
    assert.equal(a, b);
    assert.equal(await c1.openChannel(7), a);
    assert.notEqual(await c1.openChannel(8), a);
  },

  'channels are 1 to 255': async ({ c1, c2 }) => {
    for (const channel of [0, 256, -1, 1.5, NaN]) await rejects(c1.openChannel(channel), 'ERR_OUT_OF_RANGE');
    await rejects(c1.openChannel('5' as unknown as number), 'ERR_INVALID_ARG_TYPE');
    for (const channel of [1, 255]) {
      const [a, b] = await openBoth({ c1, c2 }, channel);
      await a.writeMessage(`on ${channel}`);
      assert.equal(await readText(b), `on ${channel}`);
    }
  },

  "what comes for a channel that was never opened is the Conn's": async ({ c1, c2 }) => {
    const channel = await c1.openChannel(9);
    await channel.writeMessage('for nine');
    await c1.writeMessage('for the conn');
    assert.equal(await readText(c2), 'for nine');
    assert.equal(await readText(c2), 'for the conn');
  },

  'order holds within each channel': async ({ c1, c2 }) => {
    const numbers = [1, 2, 3, 200];
    const pairs = await Promise.all(numbers.map((number) => openBoth({ c1, c2 }, number)));
    const writing = pairs.map(async ([from], k) => {
      for (let i = 0; i < 200; i++) await from.writeMessage(`${numbers[k]}:${i}`);
    });
    const reading = pairs.map(async ([, to], k) => {
      for (let i = 0; i < 200; i++) assert.equal(await readText(to), `${numbers[k]}:${i}`);
    });
    await Promise.all([...writing, ...reading]);
  },

  'requests on a channel are answered in any order, and all of them, or told of': async ({ c1, c2 }) => {
    const [a, b] = await openBoth({ c1, c2 }, 7);
    const held: (() => void)[] = [];
    const responding = respond(
      b,
      async (request) => {
        if (request.text() === 'first') await new Promise<void>((resolve) => held.push(resolve));
        else held.pop()?.();
        return `${request.text()}!`;
      },
      { concurrency: 4 },
    );
    const asking = requester(a);
    const answers: string[] = [];
    const ask = async (text: string): Promise<void> => void answers.push(await asking.requestText(text));
    await Promise.all(['first', 'second', 'third'].map(ask));
    assert.deepEqual(answers.slice().sort(), ['first!', 'second!', 'third!']);
    assert.notEqual(answers[0], 'first!');
    const most = Math.min(a.maxMessageSize, b.maxMessageSize);
    assert.equal((await asking.request(new Uint8Array(most - 9))).length, most - 8);
    await rejects(asking.request(new Uint8Array(a.maxMessageSize - 8)), 'ERR_POOL_MESSAGE_TOO_LARGE');
    const lost = meanwhile(rejects(asking.request('first', { timeout: 0 }), 'ERR_POOL_NOT_ESTABLISHED'));
    await until(() => held.length > 0);
    const closing = c2.close();
    for (const resolve of held) resolve();
    await Promise.all([closing, responding, lost]);
  },

  'a channel that closes is closed on this side only': async ({ c1, c2 }) => {
    const [a, b] = await openBoth({ c1, c2 }, 3);
    const pending = meanwhile(rejects(b.readMessage(), 'ERR_POOL_CLOSED'));
    await b.close();
    await pending;
    assert.deepEqual(await b.closed, { by: 'local' });
    await rejects(b.readMessage(), 'ERR_POOL_CLOSED');
    await rejects(b.writeMessage('x'), 'ERR_POOL_CLOSED');
    assert.equal(a.state, 'open');
    await a.writeMessages(['nobody', 'listens']);
    await c1.writeMessage('the conn goes on');
    assert.equal(await readText(c2), 'the conn goes on');
    await until(() => b.discardedMessages === 2);
    assert.equal(c2.readableLength, 0);

    const again = await c2.openChannel(3);
    assert.notEqual(again, b);
    await a.writeMessage('again');
    assert.equal(await readText(again), 'again');
    await again.writeMessage('and back');
    assert.equal(await readText(a), 'and back');
  },

  'a channel sends what was written before it closes': async ({ c1, c2 }) => {
    const [a, b] = await openBoth({ c1, c2 }, 4);
    const size = 50 * c1.maxMessageSize;
    const reading = meanwhile(readBytes(b, size));
    const writing = meanwhile(a.write(pattern(size)));
    await a.close();
    assert.equal(await writing, size);
    assert.ok(Buffer.from(pattern(size)).equals(await reading));
  },

  'a channel ends with its session': async ({ c1, c2 }) => {
    const [a, b] = await openBoth({ c1, c2 }, 6);
    await a.writeMessage('last');
    await until(() => b.readableLength > 0);
    const pending = meanwhile(rejects(a.readMessage(), 'ERR_POOL_CLOSED'));
    await c1.close();
    await pending;
    assert.deepEqual(await a.closed, { by: 'local' });
    assert.deepEqual(await b.closed, { by: 'remote' });
    assert.equal(await c2.openChannel(6), b);
    assert.equal(await readText(b), 'last');
    assert.equal(await b.readMessage(), null);
    await rejects(a.writeMessage('x'), 'ERR_POOL_CLOSED');
    await rejects(b.writeMessage('x'), 'ERR_POOL_NOT_ESTABLISHED');
    await rejects(c2.openChannel(60), 'ERR_POOL_NOT_ESTABLISHED');
  },

  'a channel fails with its session': async ({ c1, c2 }) => {
    const [, b] = await openBoth({ c1, c2 }, 6);
    const pending = meanwhile(rejects(b.readMessage(), 'ERR_POOL_PEER_LOST'));
    c1.destroy();
    await pending;
    assert.equal((await b.closed).error?.code, 'ERR_POOL_PEER_LOST');
  },

  'channels have deadlines of their own': async ({ c1, c2 }) => {
    const [a, b] = await openBoth({ c1, c2 }, 2);
    a.setDeadline(LONG_AGO);
    const error = await timesOut(a.readMessage());
    assert.equal(error.message, `read pool ${a.remoteAddr.toString()} channel 2: deadline exceeded`);
    await timesOut(a.writeMessage('x'));
    await c1.writeMessage('conn');
    assert.equal(await readText(c2), 'conn');
    await b.writeMessage('kept');
    a.setDeadline(null);
    assert.equal(await readText(a), 'kept');
  },

  'flows take turns: a short message does not wait for a long write': async ({ c1, c2 }) => {
    const [a, b] = await openBoth({ c1, c2 }, 10);
    const size = 500 * c1.maxMessageSize;
    const long = meanwhile(c1.write(pattern(size)));
    const short = meanwhile(a.writeMessage('short'));
    let received = 0;
    const reading = (async () => {
      while (received < size) received += (await c2.readMessage())!.length;
    })();
    assert.equal(await readText(b), 'short');
    assert.ok(received < size, 'the short message came last');
    await Promise.all([long, short, reading]);
  },

  'both ends agree on the session, and its figures can be read': async ({ c1, c2 }) => {
    assert.match(c1.id, /^[0-9a-f]{32}$/);
    assert.equal(c1.id, c2.id);
    assert.equal(await c1.sessionState(), 'ESTABLISHED');
    const info = await c1.info();
    assert.equal(info.sessionId, c1.id);
    assert.equal(info.index, c1.sessionIndex);
    assert.equal(info.state, 'ESTABLISHED');
    const telemetry = await c1.telemetry();
    // Null until a HEARTBEAT was answered, where the backend measures.
    if (telemetry.rttNs === null) assert.equal(telemetry.rttUs, null);
    else assert.equal(telemetry.rttUs, Math.round(Number(telemetry.rttNs) / 1000));
    assert.ok(telemetry.lossPercent >= 0 && telemetry.lossPercent <= 100);
    // JSON has no bigint, and a number would lose digits.
    const shown = JSON.parse(JSON.stringify([info, telemetry])) as [{ bytesSent: unknown }, { uptimeNs: unknown }];
    assert.equal(shown[0].bytesSent, String(info.bytesSent));
    assert.equal(shown[1].uptimeNs, String(telemetry.uptimeNs));
  },

  'channels do not mix with hundreds of messages both ways': async ({ c1, c2 }) => {
    const pairs = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map((number) => openBoth({ c1, c2 }, number)));
    const both = pairs.flatMap(([a, b]) => [transfer(a, b), transfer(b, a)]);
    await Promise.all(both);
    void discard(c2);
  },
};

async function openBoth({ c1, c2 }: Pick<ConnPair, 'c1' | 'c2'>, channel: number): Promise<[Channel, Channel]> {
  return Promise.all([c1.openChannel(channel), c2.openChannel(channel)]);
}

async function transfer(from: Channel, to: Channel): Promise<void> {
  const messages = Array.from({ length: 100 }, (_, i) =>
    pattern(1 + ((i * 97 + from.channel) % 3000), i + from.channel),
  );
  const writing = from.writeMessages(messages);
  for (const message of messages) assert.deepEqual(new Uint8Array((await to.readMessage())!), message);
  await writing;
}
