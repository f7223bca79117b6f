/** The user backend, all of it: a listener on loopback, a dial, a message there and back, a close. */
import { dial, listen, userCryptography } from '../../index.js';
import { type Finding, fail, ok } from './finding.js';

export interface SelfTestDeps {
  dial: typeof dial;
  listen: typeof listen;
  cryptography: typeof userCryptography;
  now: () => number;
}

const CHECK = 'self-test';
const LIMIT_MS = 5000;
const MESSAGE = 'pool-ts doctor';

/** Said outright, so that a table of one slot in the environment does not count against the network. */
const OPTIONS = { backend: 'user', maxSessions: 1024 } as const;

export async function selfTest(
  deps: SelfTestDeps = { dial, listen, cryptography: userCryptography, now: () => performance.now() },
): Promise<Finding> {
  const started = deps.now();
  try {
    const listener = await deps.listen('127.0.0.1:0', OPTIONS);
    try {
      listener.setDeadline(Date.now() + LIMIT_MS);
      const [conn, peer] = await Promise.all([
        deps.dial(listener.addr, { ...OPTIONS, timeout: LIMIT_MS }),
        listener.accept(),
      ]);
      for (const end of [conn, peer]) end.setDeadline(Date.now() + LIMIT_MS);
      await conn.writeMessage(MESSAGE);
      await peer.writeMessage((await peer.readMessage()) ?? 'nothing came');
      const echo = Buffer.from((await conn.readMessage()) ?? []).toString();
      await Promise.all([conn.close(), peer.close()]);
      if (echo !== MESSAGE) return fail(CHECK, `the echo came back as ${JSON.stringify(echo)}`, REPORT);
    } finally {
      await listener.close({ connections: 'destroy' });
    }
  } catch (error) {
    const message = (error as Error).message.split('\n', 1)[0] ?? '';
    return fail(
      CHECK,
      `two ends of this process can't talk: ${message}`,
      'check that 127.0.0.1 is up and not filtered',
    );
  }
  const took = `${Math.ceil(deps.now() - started)} ms`;
  return ok(
    CHECK,
    `listen, dial, echo and close on 127.0.0.1 took ${took} (user backend, ${CRYPTOGRAPHY[await deps.cryptography()]})`,
  );
}

const CRYPTOGRAPHY = {
  openssl: "encrypted by Node's OpenSSL, called directly",
  node: 'encrypted by node:crypto',
  portable: 'encrypted in JavaScript',
} as const;

const REPORT = 'this is a fault of pool-ts: report it with what pool-ts doctor --json prints';
