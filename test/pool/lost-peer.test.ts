/** Peers that are killed, and connections that are reset. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Conn, dial, type Listener, listen } from '../../src/index.js';
import { type FaultyProxy, faultyProxy } from '../../src/testing/index.js';
import { reached, timeout, tries } from '../reliability/figures.js';

const user = { backend: 'user' } as const;
/** Sessions of each process that is killed. */
const SESSIONS = 5;

describe('a peer that is lost', () => {
  let listener: Listener;
  let proxy: FaultyProxy;
  beforeAll(async () => {
    listener = await listen('127.0.0.1:0', user);
    proxy = await faultyProxy({ target: listener.addr });
  });
  afterAll(async () => {
    await proxy.close();
    await listener.close({ connections: 'destroy' });
  });

  it('by SIGKILL shows at once, behind what it had sent', { timeout: timeout('D1', 120_000) }, async () => {
    const kills = tries('D1');
    for (let done = 0; done < kills; done += SESSIONS) {
      const child: ChildProcess = fork(fileURLToPath(new URL('../programs/silent-dialler.ts', import.meta.url)), {
        execArgv: ['--import', 'tsx'],
      });
      child.send({ port: listener.addr.port, sessions: SESSIONS });
      const conns: Conn[] = [];
      while (conns.length < SESSIONS) conns.push(await listener.accept());
      for (const conn of conns) expect(Buffer.from((await conn.readMessage())!).toString()).toBe('here');
      const reads = Promise.allSettled(conns.map((conn) => conn.readMessage()));
      const ends = Promise.all(conns.map((conn) => conn.closed));
      child.kill('SIGKILL');
      await once(child, 'exit');
      for (const result of await reads) {
        expect(result).toMatchObject({ status: 'rejected', reason: { code: 'ERR_POOL_PEER_LOST' } });
      }
      for (const end of await ends) expect(end).toMatchObject({ by: 'error', error: { code: 'ERR_POOL_PEER_LOST' } });
    }
    reached('D1', kills);
  });

  it('by a reset is a typed error at both ends', { timeout: timeout('D2') }, async () => {
    const resets = tries('D2');
    for (let done = 0; done < resets; done++) {
      const [conn, peer] = await Promise.all([dial(proxy.addr, user), listener.accept()]);
      await conn.writeMessage('before');
      expect((await peer.readMessage())!.length).toBe(6);
      const reads = Promise.allSettled([conn.readMessage(), peer.readMessage()]);
      proxy.reset();
      for (const result of await reads) {
        const code: unknown = expect.stringMatching(/^(ECONNRESET|ERR_POOL_PEER_LOST)$/);
        expect(result).toMatchObject({ status: 'rejected', reason: { name: 'PoolError', code } });
      }
    }
    reached('D2', resets);
  });
});
