import { expect, it } from 'vitest';
import { type Conn, dial, listen } from '../../src/index.js';
import { ipv6 } from '../require.js';

const dualStack = ipv6();

/** Both addresses, as a resolver gives them. */
const both = (
  _host: string,
  _options: object,
  told: (error: null, all: { address: string; family: number }[]) => void,
) =>
  told(null, [
    { address: '::1', family: 6 },
    { address: '127.0.0.1', family: 4 },
  ]);

it.skipIf(dualStack.missing)('tries that lose leave no session at the server, however close the race is', async () => {
  const backend = 'user';
  const listener = await listen('[::]:0', { backend });
  const { port } = listener.addr;
  const accepted: Conn[] = [];
  const accepting = (async () => {
    for await (const conn of listener) accepted.push(conn);
  })();
  const rounds = 20;
  for (let i = 0; i < rounds; i++) {
    const dialling = dial({ host: 'two.test', port }, { backend, lookup: both, autoSelectFamilyAttemptDelay: 10 });
    // Both are due when this thread goes on, and their handshakes run side by side.
    setTimeout(() => {
      for (const until = Date.now() + 30; Date.now() < until; );
    }, 0);
    const conn = await dialling;
    await conn.writeMessage('here');
    await conn.close();
  }
  // What came before is accepted before this.
  const last = await dial({ host: '127.0.0.1', port }, { backend });
  while (!accepted.some(({ id }) => id === last.id)) await new Promise((resolve) => setTimeout(resolve, 1));
  const said: string[] = [];
  for (const conn of accepted.slice(0, -1)) {
    const message = await conn.readMessage().catch((error: Error) => Buffer.from(error.message));
    said.push(String(message && Buffer.from(message)));
    await conn.close();
  }
  expect(said).toEqual(Array.from({ length: rounds }, () => 'here'));
  await last.close();
  await listener.close();
  await accepting;
});
