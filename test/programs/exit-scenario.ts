/** Ends in the way that its argument names, with a conversation open; prints `ready` before. For test/pool/exit.test.ts. */
import { dial, listen } from '../../src/index.js';

const listener = await listen('127.0.0.1:0', { backend: 'user' });
const conn = await dial(listener.addr, { backend: 'user' });
const accepted = await listener.accept();
await conn.writeMessage('hello');
await accepted.readMessage();
console.log('ready');

const scenarios: Record<string, () => void> = {
  // Everything open, nothing ref'd, and operations pending on both.
  unref() {
    conn.unref();
    accepted.unref();
    listener.unref();
    void conn.readMessage();
    void listener.accept();
  },
  // Graceful ends only.
  close() {
    void Promise.all([conn.close(), listener.close({ connections: 'close' })]);
  },
  destroy() {
    void listener.close({ connections: 'destroy' });
    conn.destroy();
  },
  exit() {
    void conn.readMessage();
    process.exit(3);
  },
  throw() {
    void listener.accept();
    setImmediate(() => {
      throw new Error('uncaught');
    });
  },
  // Waits for SIGTERM: an open listener holds the process.
  wait() {},
};

scenarios[process.argv[2] ?? '']!();
