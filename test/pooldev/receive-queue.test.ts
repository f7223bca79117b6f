import { describe, expect, it } from 'vitest';
import { Errno } from '../../src/base/errno.js';
import { ReceiveQueue, type Receiver } from '../../src/pooldev/receive-queue.js';

describe('ReceiveQueue', () => {
  it('answers each RECV once, also where a message is handed over before deliver returns', () => {
    const queue = new ReceiveQueue({ strictModule: false, roomAgain: () => {}, depthChanged: () => {} });
    const answers: string[] = [];
    let settleFirst: ((taken: boolean) => void) | undefined;
    const receiver = (name: string, deliver: Receiver['deliver']): Receiver => ({
      channel: 0,
      capacity: 100,
      deliver: (message, settle) => {
        answers.push(`${name} ${Buffer.from(message).toString()}`);
        deliver(message, settle);
      },
      fail: (errno) => answers.push(`${name} ${errno}`),
    });
    queue.receive(receiver('first', (_, settle) => (settleFirst = settle)));
    queue.receive(receiver('second', (_, settle) => settle(true)));
    queue.receive(receiver('third', (_, settle) => settle(true)));
    queue.push(0, Buffer.from('one'));
    queue.push(0, Buffer.from('two'));
    queue.end(Errno.ECONNRESET, true);
    expect(answers).toEqual(['first one']);
    settleFirst!(true);
    expect(answers).toEqual(['first one', 'second two', `third ${Errno.ECONNRESET}`]);
  });
});
