/** The rules about the end: close, destroy, the peer's close, a lost peer, iterators, and what stays readable. */
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import type { Conn } from '../pool/flow/conn.js';
import {
  type Check,
  endless,
  endlessMessages,
  loop,
  pattern,
  readBytes,
  readText,
  rejects,
  text,
  turn,
  until,
  meanwhile,
} from './contract-case.js';

export const closing: Readonly<Record<string, Check>> = {
  'close ends pending reads at once and refuses later calls': async ({ c1 }) => {
    const pending = [c1.read(new Uint8Array(1)), c1.readMessage(), c1.readText(), c1.readMessages()];
    const ended = meanwhile(Promise.all(pending.map((read) => rejects(read, 'ERR_POOL_CLOSED'))));
    const closing = meanwhile(c1.close());
    assert.notEqual(c1.state, 'open');
    await ended;
    await closing;
    for (const call of everyCall(c1)) await rejects(call, 'ERR_POOL_CLOSED');
    assert.equal(c1.state, 'closed');
  },

  'closing twice is closing once': async ({ c1, c2 }) => {
    await Promise.all([c1.close(), c1.close()]);
    await c1.close();
    c1.destroy();
    await c2.closed;
    await c2.close();
    await c2.close();
    assert.deepEqual(await c1.closed, { by: 'local' });
    assert.deepEqual(await c2.closed, { by: 'remote' });
  },

  'close sends what was written': async ({ c1, c2 }, { lossyClose }) => {
    const size = 20 * c1.maxMessageSize;
    const reading = lossyClose ? null : meanwhile(readBytes(c2, size));
    const writing = meanwhile(c1.write(pattern(size)));
    const closing = meanwhile(c1.close());
    await rejects(c1.write('late'), 'ERR_POOL_CLOSED');
    assert.equal(await writing, size);
    await closing;
    if (reading !== null) assert.ok(Buffer.from(pattern(size)).equals(await reading));
  },

  "after the peer's close reads give what is queued and then null for ever": async ({ c1, c2 }, { lossyClose }) => {
    await c1.writeMessages(['one', 'two']);
    if (lossyClose) await until(() => c2.readableLength === 6);
    await c1.close();
    assert.deepEqual(await c2.closed, { by: 'remote' });
    assert.equal(await readText(c2), 'one');
    assert.equal(await readText(c2), 'two');
    for (let i = 0; i < 3; i++) {
      assert.equal(await c2.read(new Uint8Array(1)), null);
      assert.equal(await c2.readMessage(), null);
      assert.equal(await c2.readMessages(), null);
    }
  },

  "the peer's close ends pending reads with null": async ({ c1, c2 }) => {
    const reads = [c2.read(new Uint8Array(1)), c2.readMessage(), c2.readMessages()];
    await c1.close();
    assert.deepEqual(await Promise.all<unknown>(reads), [null, null, null]);
  },

  "writes after the peer's close reject": async ({ c1, c2 }) => {
    await c1.close();
    await c2.closed;
    await rejects(c2.write('x'), 'ERR_POOL_NOT_ESTABLISHED');
    await rejects(c2.writeMessage('x'), 'ERR_POOL_NOT_ESTABLISHED');
    await rejects(c2.writeMessages(['x']), 'ERR_POOL_NOT_ESTABLISHED');
  },

  'a peer that vanishes is an error, after what is queued': async ({ c1, c2 }) => {
    await c2.writeMessage('last words');
    await until(() => c1.readableLength > 0);
    c2.destroy();
    assert.deepEqual(await c2.closed, { by: 'local' });
    const { by, error } = await c1.closed;
    assert.equal(by, 'error');
    assert.equal(error?.code, 'ERR_POOL_PEER_LOST');
    assert.equal(await readText(c1), 'last words');
    for (let i = 0; i < 2; i++) {
      await rejects(c1.read(new Uint8Array(1)), 'ERR_POOL_PEER_LOST');
      await rejects(c1.readMessage(), 'ERR_POOL_PEER_LOST');
      await rejects(c1.writeMessage('x'), 'ERR_POOL_PEER_LOST');
    }
    await c1.close();
    await rejects(c1.readMessage(), 'ERR_POOL_CLOSED');
  },

  'destroy ends pending calls, and tells its reason': async ({ c1, c2 }) => {
    const read = meanwhile(rejects(c1.readMessage(), 'ERR_POOL_CLOSED'));
    const pending = endlessMessages(c1.maxMessageSize).map((message) => c1.writeMessage(message));
    const writes = Promise.allSettled(pending);
    const reason = new Error('no more');
    c1.destroy(reason);
    assert.equal(c1.state, 'closed');
    assert.equal((await read).cause, reason);
    assert.equal((await writes).at(-1)!.status, 'rejected');
    const closed = await c1.closed;
    assert.equal(closed.by, 'error');
    assert.equal(closed.error?.cause, reason);
    for (const call of everyCall(c1)) await rejects(call, 'ERR_POOL_CLOSED');
    assert.equal((await c2.closed).by, 'error');
  },

  'a close that the peer holds up times out and destroys': async ({ c1, c2 }) => {
    const writing = meanwhile(rejects(c1.write(endless()), 'ERR_POOL_TIMEOUT'));
    const error = await rejects(c1.close({ closeTimeout: 100 }), 'ERR_POOL_TIMEOUT');
    assert.equal(error.timeout, true);
    await writing;
    assert.equal(c1.state, 'closed');
    assert.equal((await c1.closed).by, 'error');
    while ((await c2.readMessages().catch(() => null)) !== null);
    assert.equal((await c2.closed).error?.code, 'ERR_POOL_PEER_LOST');
  },

  'a signal ends the waiting for close, and the closing goes on': async ({ c1, c2 }) => {
    const controller = new AbortController();
    const waiting = meanwhile(c1.close({ signal: controller.signal }));
    controller.abort(new Error('enough'));
    await assert.rejects(waiting, { message: 'enough' });
    await c1.close();
    assert.deepEqual(await c2.closed, { by: 'remote' });
  },

  'closing twice gives one promise': async ({ c1, c2 }) => {
    const channel = await c1.openChannel(9);
    for (const flow of [channel, c1]) {
      const closing = flow.close();
      assert.equal(flow.close({ closeTimeout: 1 }), closing);
      await closing;
      assert.equal(flow.close(), closing);
    }
    await c2.closed;
  },

  'destroy fulfils a close that is under way': async ({ c1 }) => {
    const channel = await c1.openChannel(9);
    const reason = new Error('no more');
    for (const flow of [channel, c1]) {
      const writing = meanwhile(rejects(flow.write(endless()), 'ERR_POOL_CLOSED'));
      const closing = meanwhile(flow.close({ closeTimeout: 2 ** 31 - 1 }));
      await turn();
      assert.equal(flow.state, 'closing');
      flow.destroy(reason);
      assert.equal(flow.state, 'closed');
      await closing;
      await writing;
      assert.equal((await flow.closed).error?.cause, reason);
    }
  },

  'a close that nobody waits for is told by closed alone': async ({ c1 }) => {
    const [ended, lost] = await Promise.all([c1.openChannel(9), c1.openChannel(10)]);
    const unhandled: unknown[] = [];
    const note = (error: unknown): number => unhandled.push(error);
    process.on('unhandledRejection', note);
    try {
      void ended.close();
      ended.destroy();
      assert.deepEqual(await ended.closed, { by: 'local' });
      const writing = meanwhile(rejects(lost.write(endless()), 'ERR_POOL_CLOSED'));
      void lost.close({ closeTimeout: 1 });
      assert.equal((await lost.closed).error?.code, 'ERR_POOL_TIMEOUT');
      await writing;
      void c1.close({ closeTimeout: 1, signal: new AbortController().signal });
      c1.destroy();
      assert.equal(c1.state, 'closed');
      for (let i = 0; i < 3; i++) await turn();
    } finally {
      process.off('unhandledRejection', note);
    }
    assert.deepEqual(unhandled, []);
  },

  'destroy takes null for no reason, and refuses what is no error': async ({ c1, c2 }) => {
    const channel = await c1.openChannel(9);
    for (const flow of [channel, c1]) {
      for (const reason of ['why', 0, {}]) {
        assert.throws(() => flow.destroy(reason as unknown as Error), { code: 'ERR_INVALID_ARG_TYPE' });
        assert.equal(flow.state, 'open');
      }
      flow.destroy(null);
      assert.equal(flow.state, 'closed');
      assert.deepEqual(await flow.closed, { by: 'local' });
    }
    await c2.closed;
  },

  'the end of a using block closes': async ({ c1, c2 }) => {
    await c1.writeMessage('in the block');
    assert.equal(await readText(c2), 'in the block');
    await c1[Symbol.asyncDispose]();
    assert.deepEqual(await c1.closed, { by: 'local' });
    assert.deepEqual(await c2.closed, { by: 'remote' });
  },

  'leaving a loop does not close': async ({ c1, c2 }) => {
    await c1.writeMessages(['1', '2', '3']);
    for await (const message of c2) {
      assert.equal(text(message), '1');
      break;
    }
    assert.equal(c2.state, 'open');
    const rest: unknown[] = [];
    for await (const message of c2) {
      rest.push(text(message));
      if (rest.length === 2) break;
    }
    assert.deepEqual(rest, ['2', '3']);
    await c2.writeMessage('back');
    assert.equal(await readText(c1), 'back');
  },

  "a loop ends on either side's close and throws on an error": async ({ c1, c2 }) => {
    const ofPeer = meanwhile(loop(c2));
    const own = meanwhile(loop(c1));
    await turn();
    await c1.writeMessage('before the end');
    await until(() => c2.bytesRead > 0);
    await c1.close();
    assert.equal(await own, 0);
    assert.equal(await ofPeer, 1);
    assert.equal(await loop(c1), 0);
  },

  'a loop throws when the peer is lost': async ({ c1, c2 }) => {
    const ended = meanwhile(rejects(loop(c2), 'ERR_POOL_PEER_LOST'));
    c1.destroy();
    await ended;
  },

  'one flow has one way of reading at a time': async ({ c1, c2 }) => {
    const iterator = c2[Symbol.asyncIterator]();
    const next = meanwhile(iterator.next());
    await rejects(c2.readMessage(), 'ERR_POOL_LOCKED');
    await rejects(c2.read(new Uint8Array(1)), 'ERR_POOL_LOCKED');
    await c1.writeMessage('a');
    assert.equal(text((await next).value as Uint8Array), 'a');
    const pending = meanwhile(iterator.next());
    await iterator.return!();
    assert.equal((await pending).done, true);
    const read = meanwhile(readText(c2));
    await rejects(c2[Symbol.asyncIterator]().next(), 'ERR_POOL_LOCKED');
    await c1.writeMessage('b');
    assert.equal(await read, 'b');
  },

  'addresses stay readable after close': async ({ c1, c2 }, { knownAddresses }) => {
    const before = addresses(c1);
    await c1.close();
    assert.deepEqual(addresses(c1), before);
    assert.equal(c1.remoteAddress, c1.remoteAddr.address);
    assert.equal(c1.remotePort, c1.remoteAddr.port);
    assert.equal(c1.remoteFamily, c1.remoteAddr.family);
    assert.equal(c1.localAddress, c1.localAddr.address);
    if (!knownAddresses) return;
    assert.equal(c1.localAddr.toString(), c2.remoteAddr.toString());
    assert.equal(c1.remoteAddr.toString(), c2.localAddr.toString());
  },

  'an inspected Conn is one line': async ({ c1 }) => {
    const line = `Conn { ${c1.backend} ${c1.localAddr.toString()} -> ${c1.remoteAddr.toString()}, session ${c1.sessionIndex}, open }`;
    assert.equal(inspect(c1), line);
    assert.ok(!inspect(c1, { depth: 9, showHidden: true }).includes('\n'));
  },

  'an error names operation, address and reason, and its stack begins at the caller': async ({ c1 }) => {
    c1.setReadDeadline(1);
    const early = await rejects(c1.readMessage(), 'ERR_POOL_TIMEOUT');
    c1.setReadDeadline(null);
    const pending = meanwhile(rejects(c1.readMessage(), 'ERR_POOL_TIMEOUT'));
    await turn();
    c1.setReadDeadline(1);
    for (const error of [early, await pending]) {
      assert.equal(error.message, `read pool ${c1.remoteAddr.toString()}: deadline exceeded`);
      assert.equal(error.address, c1.remoteAddress);
      assert.equal(error.port, c1.remotePort);
      assert.ok(!/readMessage|flow-reader|waiters|op-error/.test(error.stack!.split('\n')[1] ?? ''), error.stack);
    }
  },
};

/** Calls of every kind that a closed Conn must refuse. */
function everyCall(conn: Conn): Promise<unknown>[] {
  return [
    conn.read(new Uint8Array(1)),
    conn.read(new Uint8Array(0)),
    conn.readMessage(),
    conn.readText(),
    conn.readMessages(),
    conn.write('x'),
    conn.write(''),
    conn.writeMessage('x'),
    conn.writeMessages(['x']),
    conn.openChannel(1),
    conn.telemetry(),
    conn.info(),
    conn.sessionState(),
  ];
}

function addresses(conn: Conn): unknown[] {
  return [conn.localAddr.toString(), conn.remoteAddr.toString(), conn.localPort, conn.localFamily, conn.id];
}
