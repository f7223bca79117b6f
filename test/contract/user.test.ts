import { describe, it } from 'vitest';
import { dial, listen } from '../../src/index.js';
import { type MakePipe, testConn } from '../../src/testing/index.js';

const backend = 'user';

/** A listener and a dial on loopback; the dialling end first. */
async function connect(): ReturnType<MakePipe> {
  const listener = await listen('127.0.0.1:0', { backend });
  const [c1, c2] = await Promise.all([dial(listener.addr.toString(), { backend }), listener.accept()]);
  const stop = async (): Promise<void> => {
    c1.destroy();
    c2.destroy();
    await listener.close();
  };
  return { c1, c2, stop };
}

const roles: Record<string, MakePipe> = {
  'dialled to accepted': connect,
  'accepted to dialled': async () => {
    const { c1, c2, stop } = await connect();
    return { c1: c2, c2: c1, stop };
  },
};

for (const [name, makePipe] of Object.entries(roles)) {
  describe(`the contract of a Conn: user backend, ${name}`, () => {
    for (const { name: rule, run } of testConn(makePipe)) it(rule, run);
  });
}
