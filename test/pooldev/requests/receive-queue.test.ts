import { connect, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Errno } from '../../../src/base/errno.js';
import { ReceiveQueue, type Receiver } from '../../../src/pooldev/requests/receive-queue.js';

const queueOf = (wait: number) => new ReceiveQueue({ strictModule: false, wait, roomAgain() {}, depthChanged() {} });

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

  it('reads what has come before it says that nothing came, however late its timer runs', async () => {
    const queue = queueOf(20);
    const server = createServer((socket) => socket.on('data', (data) => queue.push(0, data))).listen(0, '127.0.0.1');
    await new Promise((settle) => server.once('listening', settle));
    const client = connect((server.address() as { port: number }).port, '127.0.0.1');
    const accepted = new Promise((settle) => server.once('connection', settle));
    await Promise.all([accepted, new Promise((settle) => client.once('connect', settle))]);
    const outcome = new Promise<string | number>((settle) => {
      queue.receive({
        channel: 0,
        capacity: 100,
        deliver: (message, taken) => (taken(true), settle(Buffer.from(message).toString())),
        fail: settle,
      });
    });
    await new Promise<void>((settle) => client.write('on its way', () => settle()));
    // The thread is busy until long after the time, and the message waits in its socket.
    const until = performance.now() + 100;
    while (performance.now() < until);
    expect(await outcome).toBe('on its way');
    client.destroy();
    server.close();
  });

  it('says ETIMEDOUT where nothing came', async () => {
    const failed = await new Promise((settle) => {
      queueOf(5).receive({ channel: 0, capacity: 1, deliver: () => settle('a message'), fail: settle });
    });
    expect(failed).toBe(Errno.ETIMEDOUT);
  });
});
