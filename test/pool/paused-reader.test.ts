/** A reader that pauses: backpressure end to end, in memory that does not grow with what waits. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dial, type Listener, listen } from '../../src/index.js';
import { reached, timeout, tries } from '../reliability/figures.js';

const MIB = 1024 * 1024;
const MESSAGE = 64 * 1024 - 17;
/**
 * What may be under way: the writer's queue, what the socket holds, the system's buffers of both sockets (a reader that was
 * fast has them grown to tcp_rmem's most), the reader's queue.
 */
const UNDER_WAY = 48 * MIB;

describe('a reader that pauses', () => {
  let listener: Listener;
  beforeAll(async () => {
    listener = await listen('127.0.0.1:0', { backend: 'user' });
  });
  afterAll(() => listener.close({ connections: 'destroy' }));

  it('stops the writer; all of it arrives once it reads on', { timeout: timeout('B1', 120_000) }, async () => {
    const mebibytes = tries('B1');
    const total = mebibytes * MIB;
    const [conn, peer] = await Promise.all([dial(listener.addr, { backend: 'user' }), listener.accept()]);
    const sent = createHash('sha256');
    const writing = (async () => {
      const message = Buffer.alloc(MESSAGE);
      for (let left = total, index = 0; left > 0; index++) {
        const piece = message.subarray(0, Math.min(left, MESSAGE));
        piece.writeUInt32BE(index, piece.length - 4);
        sent.update(piece);
        await conn.writeMessage(piece);
        left -= piece.length;
      }
      await conn.close();
    })();
    // It fills whatever there is to fill, and then stands still.
    let filled = -1;
    await expect
      .poll(
        () => {
          const before = filled;
          filled = conn.bytesWritten;
          return filled > 0 && filled === before;
        },
        { timeout: 60_000, interval: 300 },
      )
      .toBe(true);
    expect(filled).toBeLessThan(UNDER_WAY);
    expect(conn.writableLength).toBeLessThan(2 * MIB);
    expect(peer.readableLength).toBeLessThan(2 * MIB);
    const received = createHash('sha256');
    let pauses = 0;
    for await (const message of peer) {
      received.update(message);
      // And pauses again, now and then, for some turns of the event loop.
      if (++pauses % 64 === 0) for (let turn = 0; turn < 20; turn++) await new Promise((next) => setImmediate(next));
    }
    await writing;
    expect(received.digest('hex')).toBe(sent.digest('hex'));
    expect(peer.bytesRead).toBe(total);
    reached('B1', mebibytes);
  });
});
