import { describe, expect, it } from 'vitest';
import { MessageRing, RING_TABLE_BYTES } from '../../../src/poolioc/threads/message-ring.js';
import { OutgoingMessages } from '../../../src/poolioc/threads/outgoing-messages.js';

const LONGEST = 64;

/** A ring whose other side takes each message, and is done with it, before `put` returns. */
class SwiftRing extends MessageRing {
  /** Called where the taking side has to tell. */
  tell: () => void = () => {};
  #puts = 0;

  override put(message: Uint8Array, tag: number): boolean {
    const taken = super.put(message, tag);
    if (taken && this.took((this.#puts += 1))) queueMicrotask(this.tell);
    return taken;
  }
}

describe('messages for a thread that sends', () => {
  it('are told of as well where the thread is done before the main thread goes on', async () => {
    const memory = new Int32Array(new SharedArrayBuffer(RING_TABLE_BYTES));
    const ring = new SwiftRing(memory, new Uint8Array(new SharedArrayBuffer(4 * LONGEST)), LONGEST);
    const told: number[] = [];
    const outgoing = new OutgoingMessages((count) => told.push(count));
    ring.tell = () => outgoing.news();
    ring.begin(true);
    outgoing.begin(ring);
    await Promise.resolve();
    for (let sent = 1; sent <= 3; sent += 1) {
      expect(outgoing.push(0, Buffer.from('x'))).toBe(true);
      await Promise.resolve();
      expect(told.at(-1)).toBe(sent);
    }
  });
});
