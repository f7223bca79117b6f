/** The rules about deadlines. */
import assert from 'node:assert/strict';
import {
  AN_HOUR_MS,
  type Check,
  delay,
  LONG_AGO,
  readText,
  rejects,
  timesOut,
  until,
  meanwhile,
} from './contract-case.js';

const MONTHS_MS = 2 ** 31 + AN_HOUR_MS;

export const deadlines: Readonly<Record<string, Check>> = {
  'a deadline in the past ends calls at once, with data queued too, and loses nothing': async ({ c1, c2 }) => {
    await c2.writeMessage('queued');
    await until(() => c1.readableLength > 0);
    c1.setReadDeadline(LONG_AGO);
    await timesOut(c1.read(new Uint8Array(9)));
    await timesOut(c1.readMessage());
    await timesOut(c1.readText());
    await timesOut(c1.readMessages());
    c1.setReadDeadline(null);
    assert.equal(await readText(c1), 'queued');
  },

  'a deadline ends pending calls, and none before it': async ({ c1 }) => {
    const at = Date.now() + 40;
    c1.setReadDeadline(new Date(at));
    const reads = [c1.read(new Uint8Array(1)), c1.readMessage(), c1.readMessages()].map(timesOut);
    await Promise.all(reads);
    assert.ok(Date.now() >= at, 'a read timed out early');
    await timesOut(c1.readMessage());
  },

  'a deadline applies to the calls that are pending when it is set': async ({ c1 }) => {
    const read = meanwhile(timesOut(c1.readMessage()));
    c1.setReadDeadline(LONG_AGO);
    await read;
  },

  'a deadline can be moved and cleared': async ({ c1, c2 }) => {
    // Both before: on a slow machine what runs for the first time takes longer than 30 ms, and would find the deadline past.
    const read = meanwhile(readText(c1));
    c1.setReadDeadline(Date.now() + AN_HOUR_MS);
    c1.setReadDeadline(Date.now() + 30);
    c1.setReadDeadline(Date.now() + AN_HOUR_MS);
    await delay(60);
    c1.setReadDeadline(Date.now() + 30);
    c1.setReadDeadline(null);
    await delay(60);
    await c2.writeMessage('in time');
    assert.equal(await read, 'in time');
  },

  'a timeout leaves the flow as good as before': async ({ c1, c2 }) => {
    for (let i = 0; i < 5; i++) {
      c1.setDeadline(Date.now() + 2);
      await timesOut(c1.readMessage());
      c1.setDeadline(null);
      await c1.writeMessage(`ping ${i}`);
      assert.equal(await readText(c2), `ping ${i}`);
      await c2.writeMessage(`pong ${i}`);
      assert.equal(await readText(c1), `pong ${i}`);
    }
  },

  'any date works, also one that is months away': async ({ c1, c2 }) => {
    for (const at of [Date.now() + MONTHS_MS, new Date(Date.now() + MONTHS_MS), new Date(8.64e15), 8.64e18]) {
      c1.setDeadline(at);
      const read = meanwhile(readText(c1));
      await delay(5);
      await c2.writeMessage('there');
      assert.equal(await read, 'there');
    }
    c1.setDeadline(-8.64e15);
    await timesOut(c1.readMessage());
  },

  'what is no point in time is refused': async ({ c1, c2 }) => {
    const refused: [unknown, string][] = [
      [new Date(NaN), 'ERR_INVALID_ARG_VALUE'],
      [NaN, 'ERR_INVALID_ARG_VALUE'],
      [Infinity, 'ERR_INVALID_ARG_VALUE'],
      ['tomorrow', 'ERR_INVALID_ARG_TYPE'],
      [undefined, 'ERR_INVALID_ARG_TYPE'],
    ];
    for (const set of ['setDeadline', 'setReadDeadline', 'setWriteDeadline'] as const) {
      for (const [at, code] of refused)
        await rejects(
          settled(() => c1[set](at as Date)),
          code,
        );
    }
    await c1.writeMessage('unharmed');
    assert.equal(await readText(c2), 'unharmed');
  },

  'reads and writes have deadlines of their own': async ({ c1, c2 }) => {
    c1.setReadDeadline(LONG_AGO);
    await c1.writeMessage('a');
    assert.equal(await readText(c2), 'a');
    c1.setReadDeadline(null);
    c1.setWriteDeadline(LONG_AGO);
    await timesOut(c1.writeMessage('b'));
    await c2.writeMessage('c');
    assert.equal(await readText(c1), 'c');
  },
};

/** A call that throws as one that rejects. */
async function settled(call: () => void): Promise<void> {
  call();
}
