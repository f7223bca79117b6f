import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { run } from '../../../src/cli/program.js';
import { TransferConversation, type TransferConn } from '../../../src/cli/transfer/transfer-conversation.js';
import { pipe } from '../../../src/testing/index.js';
import { testTerminal } from '../test-terminal.js';

const { signal } = new AbortController();
const WAIT = '{"type":"wait"}';

/** Work that lasts until `over` is called. */
function work(): { done: Promise<void>; over: () => void } {
  let over = (): void => undefined;
  const done = new Promise<void>((resolve) => (over = resolve));
  return { done, over };
}

describe('a side at work', () => {
  it('gives signs of life for longer than what it said last may take', async () => {
    const [conn, peer] = pipe();
    // The first sign is due when the deadline of `differs` is over.
    const talk = new TransferConversation(conn, 'receiver', { idleTimeout: 50, waitEvery: 60, signal });
    await talk.tell({ type: 'differs' });
    const { done, over } = work();
    const busy = talk.busy(done);
    const heard = [await peer.readText(), await peer.readText(), await peer.readText()];
    expect(heard).toEqual(['{"type":"differs"}', WAIT, WAIT]);
    over();
    await busy;
    conn.destroy();
  });

  describe('whose peer takes nothing', () => {
    beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
    afterEach(() => void vi.useRealTimers());

    it('has one sign under way at a time, and another once that one is given up', async () => {
      const waiting: ((error: Error) => void)[] = [];
      const conn = {
        setWriteDeadline: () => undefined,
        writeMessages: () => new Promise((_, reject) => void waiting.push(reject)),
      } as Partial<TransferConn> as TransferConn;
      const talk = new TransferConversation(conn, 'receiver', { idleTimeout: 60_000, signal });
      const { done, over } = work();
      const busy = talk.busy(done);
      vi.advanceTimersByTime(4999);
      expect(waiting).toHaveLength(0);
      vi.advanceTimersByTime(60_000);
      expect(waiting).toHaveLength(1);
      waiting[0]!(new Error('deadline exceeded'));
      await new Promise(setImmediate);
      vi.advanceTimersByTime(5000);
      expect(waiting).toHaveLength(2);
      over();
      await busy;
    });
  });
});

it.each(['send', 'receive'])('%s takes no time of silence in which a peer at work may be silent', async (command) => {
  const terminal = testTerminal();
  expect(await run([command, '--idle-timeout', '9', 'x', '127.0.0.1'], terminal)).toBe(64);
  expect(terminal.err()).toMatch(/idle-timeout.*from 10/);
});
