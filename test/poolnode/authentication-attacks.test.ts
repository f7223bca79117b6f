/** Over sockets: somebody in the path with full control, and strangers in numbers. The attacker is the independent peer. */
import { createHmac } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { publicKeyOf } from '../../src/base/public-key.js';
import type { RefuseReason } from '../../src/base/session.js';
import { createPoolNode } from '../../src/poolnode/node.js';
import type { AdmitPeer, NodeListener, NodeSession } from '../../src/poolnode/types.js';
import { Peer, TYPE } from '../peer/peer.js';
import { derive, type Handshake, offer, type Party, proof } from '../peer/proof.js';
import { TEST_1, TEST_2 } from './protocol/authentication/credentials.js';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

interface Victim {
  listener: NodeListener;
  sessions: NodeSession[];
  drops: [RefuseReason, string | undefined][];
  asked: Uint8Array[];
  node: ReturnType<typeof createPoolNode>;
}

/** A listener that would admit any key that is proven, and says whose it was asked about. */
async function listening(timeout = 10_000, maxSessions = 512): Promise<Victim> {
  const victim: Omit<Victim, 'listener' | 'node'> = { sessions: [], drops: [], asked: [] };
  // Places for all of them at once, and time that does not get shorter.
  const limits = {
    timeout,
    minTimeout: timeout,
    initTimeout: timeout,
    pending: 1024,
    started: 1024,
    startedPerAddress: 1024,
    busyAbove: 1024,
  };
  const node = createPoolNode({ maxSessions }, { handshakeLimits: limits });
  const listener = await node.listen({
    host: '127.0.0.1',
    port: 0,
    maxSessionsPerAddress: maxSessions,
    authentication: {
      credentials: { mode: 'keys', identity: TEST_1, demand: true },
      admit: async (publicKey) => {
        victim.asked.push(publicKey);
        return publicKeyOf(publicKey);
      },
    },
    session: (session) => victim.sessions.push(session),
    dropped: (_remote, reason, error) => victim.drops.push([reason, error?.message]),
  });
  open.push(
    () => listener.close(),
    () => {
      for (const session of victim.sessions) session.destroy();
    },
  );
  return { ...victim, listener, node };
}

/** A dial of somebody who trusts the listener alone. */
function dialling(port: number, asked: Uint8Array[] = []): Promise<NodeSession> {
  const admit: AdmitPeer = async (publicKey) => {
    asked.push(publicKey);
    return Buffer.compare(publicKey, TEST_1.publicKey) === 0 ? publicKeyOf(publicKey) : null;
  };
  return createPoolNode().dial({
    host: '127.0.0.1',
    port,
    authentication: { credentials: { mode: 'keys', identity: TEST_2 }, admit },
  });
}

async function until(met: () => boolean): Promise<void> {
  while (!met()) await new Promise((resolve) => setImmediate(resolve));
}

const REFUSED = { code: 'ERR_POOL_AUTH_FAILED' };
const MALLORY: Party = { mode: 'keys', seed: Buffer.alloc(32, 0x66), demand: true, process: Buffer.alloc(32, 1) };

/** The message of one session with the MAC that another one wants: whoever ends both sides can make it. */
function remade(message: Buffer, key: 'k1' | 'k2', handshake: Handshake, m1?: Buffer): Buffer {
  const changed = Buffer.from(message);
  const mac = createHmac('sha256', derive(handshake, undefined)[key]);
  if (m1 !== undefined) mac.update(m1);
  mac.update(changed.subarray(0, 128)).digest().copy(changed, 128);
  return changed;
}

describe('a relay that ends both sides', () => {
  /** The victim's listener, and the two sessions of the relay. */
  async function between() {
    const victim = await listening();
    const server = await Peer.listen();
    const asked: Uint8Array[] = [];
    const dialled = dialling(server.port, asked);
    const refused = expect(dialled).rejects.toMatchObject(REFUSED);
    const [near, far] = await Promise.all([server.accepted, Peer.dial(victim.listener.local.port)]);
    server.close();
    open.push(
      () => near.destroy(),
      () => far.destroy(),
    );
    const m1 = (await far.receiveType(TYPE.AUTHENTICATION)).payload;
    return { victim, near, far, m1, asked, refused };
  }

  it.each([
    ['passes the offer on as it is', (m1: Buffer) => m1],
    ['passes it on under the MAC of the other session', (m1: Buffer, near: Peer) => remade(m1, 'k1', near.handshake)],
    ['puts its own key in', (_m1: Buffer, near: Peer) => offer(MALLORY, near.handshake)],
    [
      "puts its own signature behind the listener's key",
      (m1: Buffer, near: Peer) => {
        const mine = offer(MALLORY, near.handshake);
        m1.copy(mine, 32, 32, 64);
        return remade(mine, 'k1', near.handshake);
      },
    ],
  ])('is refused by the dialler when it %s', async (what, make) => {
    const { near, m1, asked, refused } = await between();
    near.send(TYPE.AUTHENTICATION, make(m1, near));
    await near.receiveType(TYPE.CLOSE);
    await refused;
    // Its own key it has proven, so somebody is asked about that, and says no.
    expect(asked).toHaveLength(what.includes('its own key') ? 1 : 0);
  });

  it.each([
    [
      "shows the dialler's key with no signature of its",
      (m1: Buffer, far: Peer) => {
        const mine = proof(MALLORY, far.handshake, m1);
        mine.set(TEST_2.publicKey, 32);
        return remade(mine, 'k2', far.handshake, m1);
      },
    ],
    ['sends the offer back', (m1: Buffer) => m1],
    ['shows nothing', (m1: Buffer, far: Peer) => proof({ mode: 'keys', process: Buffer.alloc(32) }, far.handshake, m1)],
  ])('is refused by the listener when it %s', async (_, make) => {
    const { victim, near, far, m1, refused } = await between();
    far.send(TYPE.AUTHENTICATION, make(m1, far));
    await far.receiveType(TYPE.CLOSE);
    await until(() => victim.drops.length === 1);
    expect(victim.drops[0]![0]).toBe('handshake-failed');
    expect([victim.asked, victim.sessions, victim.node.sessions()]).toEqual([[], [], []]);
    near.send(TYPE.CLOSE, Buffer.alloc(0));
    await refused;
  });
});

it('what comes during a decision is refused, and never delivered', async () => {
  for (const type of [TYPE.DATA, TYPE.AUTHENTICATION, TYPE.REKEY]) {
    let answer: (admitted: ReturnType<typeof publicKeyOf> | null) => void = () => {};
    const sessions: NodeSession[] = [];
    const drops: unknown[] = [];
    const asked: Uint8Array[] = [];
    const listener = await createPoolNode().listen({
      host: '127.0.0.1',
      port: 0,
      authentication: {
        credentials: { mode: 'keys', identity: TEST_1, demand: true },
        admit: (publicKey) => {
          asked.push(publicKey);
          return new Promise((resolve) => (answer = resolve));
        },
      },
      session: (session) => sessions.push(session),
      dropped: (_remote, reason) => drops.push(reason),
    });
    const peer = await Peer.dial(listener.local.port);
    const m1 = (await peer.receiveType(TYPE.AUTHENTICATION)).payload;
    peer.send(TYPE.AUTHENTICATION, proof(MALLORY, peer.handshake, m1));
    await until(() => asked.length === 1);
    peer.send(type, Buffer.alloc(32, 7));
    await peer.receiveType(TYPE.CLOSE);
    await until(() => drops.length === 1);
    answer(publicKeyOf(asked[0]!));
    await new Promise((resolve) => setImmediate(resolve));
    expect(sessions).toEqual([]);
    peer.destroy();
    await listener.close();
  }
});

it('256 who fall silent behind the offer are all gone when their time is up, and others get in', async () => {
  const victim = await listening(3000);
  const silent = createPoolNode({ maxSessions: 512 });
  const dials = Array.from({ length: 256 }, () => silent.dial({ host: '127.0.0.1', port: victim.listener.local.port }));
  const settled = await Promise.allSettled(dials);
  open.push(() => {
    for (const dialled of settled) if (dialled.status === 'fulfilled') dialled.value.destroy();
  });
  await until(() => victim.drops.length === 256);
  expect([victim.sessions, victim.node.sessions()]).toEqual([[], []]);
  const session = await dialling(victim.listener.local.port);
  open.push(() => session.destroy());
  await until(() => victim.sessions.length === 1);
});
