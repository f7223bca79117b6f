/** Nodes that must prove who they are, over loopback. */
import { once } from 'node:events';
import * as net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Crypto } from '../../src/poolnode/protocol/types.js';
import type { RefuseReason } from '../../src/base/session.js';
import { type PublicKey, publicKeyOf } from '../../src/base/public-key.js';
import { createPoolNode } from '../../src/poolnode/node.js';
import type {
  AdmitPeer,
  DialAuthentication,
  ListenAuthentication,
  NodeListener,
  NodeSession,
} from '../../src/poolnode/types.js';
import { noting } from './protocol/noting-crypto.js';
import { preSharedKey, PSK_BYTES, TEST_1, TEST_2 } from './protocol/authentication/credentials.js';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

const only =
  (...keys: Uint8Array[]): AdmitPeer =>
  async (publicKey) =>
    keys.some((key) => Buffer.compare(key, publicKey) === 0) ? publicKeyOf(publicKey, 'known') : null;
const nobody: AdmitPeer = async () => null;

const dialler = (
  admit: AdmitPeer = only(TEST_1.publicKey),
  identity: typeof TEST_2 | null = TEST_2,
): DialAuthentication => ({
  credentials: { mode: 'keys', identity },
  admit,
});
const server = (admit: AdmitPeer = only(TEST_2.publicKey), demand = true): ListenAuthentication => ({
  credentials: { mode: 'keys', identity: TEST_1, demand },
  admit,
});

interface Listening {
  port: number;
  sessions: NodeSession[];
  drops: [RefuseReason, string | undefined][];
  node: ReturnType<typeof createPoolNode>;
  listener: NodeListener;
}

async function listening(
  authentication: ListenAuthentication | undefined,
  timeout = 10_000,
  maxSessions = 8,
  crypto?: Crypto,
): Promise<Listening> {
  const sessions: NodeSession[] = [];
  const drops: Listening['drops'] = [];
  const node = createPoolNode(
    { maxSessions },
    { handshakeLimits: { timeout, initTimeout: timeout }, ...(crypto && { crypto }) },
  );
  const listener = await node.listen({
    host: '127.0.0.1',
    port: 0,
    ...(authentication && { authentication }),
    session: (session) => {
      sessions.push(session);
      session.start({
        message: (channel, data) => {
          session.send(channel, data);
          return true;
        },
        drain: () => {},
        end: () => {},
      });
    },
    dropped: (_remote, reason, error) => drops.push([reason, error?.message]),
  });
  open.push(
    () => listener.close(),
    () => {
      for (const session of sessions) session.destroy();
    },
  );
  return { port: listener.local.port, sessions, drops, node, listener };
}

async function dial(port: number, authentication?: DialAuthentication): Promise<NodeSession> {
  const session = await createPoolNode().dial({ host: '127.0.0.1', port, ...(authentication && { authentication }) });
  open.push(() => session.destroy());
  return session;
}

function echo(session: NodeSession): Promise<string> {
  return new Promise((resolve, reject) => {
    session.start({
      message: (_channel, data) => {
        resolve(Buffer.from(data).toString());
        return true;
      },
      drain: () => {},
      end: ({ by, error }) => reject(error ?? new Error(`the session ended by ${by}`)),
    });
    session.send(0, new Uint8Array(Buffer.from('who are you')));
  });
}

async function until(met: () => boolean): Promise<void> {
  while (!met()) await new Promise((resolve) => setImmediate(resolve));
}

const REFUSED = { code: 'ERR_POOL_AUTH_FAILED' };

describe('nodes with keys', () => {
  it('converse, and know each other', async () => {
    const there = await listening(server());
    const session = await dial(there.port, dialler());
    expect(await echo(session)).toBe('who are you');
    const key = (of: NodeSession): PublicKey => (of.peer as { key: PublicKey }).key;
    expect(key(session)).toMatchObject({ bytes: TEST_1.publicKey, comment: 'known' });
    expect(key(there.sessions[0]!)).toMatchObject({ bytes: TEST_2.publicKey, comment: 'known' });
  });

  it('let a stranger in where the listener only proves itself', async () => {
    const there = await listening(server(nobody, false));
    const session = await dial(there.port, dialler(only(TEST_1.publicKey), null));
    expect(await echo(session)).toBe('who are you');
    expect(there.sessions[0]!.peer).toBeNull();
  });

  it.each([
    ['the dialler does not know the listener', server(), dialler(nobody)],
    ['the listener does not know the dialler', server(nobody), dialler()],
    ['the dialler has nothing to show', server(), dialler(only(TEST_1.publicKey), null)],
    ['the decision fails', server(), dialler(() => Promise.reject(new Error('a fault')))],
    [
      'one has keys and the other a secret',
      { credentials: { mode: 'psk' as const, keys: [preSharedKey(PSK_BYTES)] }, admit: nobody },
      dialler(),
    ],
  ])('open nothing where %s', async (_, listen, dials) => {
    const there = await listening(listen);
    await expect(dial(there.port, dials)).rejects.toMatchObject(REFUSED);
    await until(() => there.drops.length === 1);
    expect(there.drops[0]![0]).toBe('handshake-failed');
    expect(there.sessions).toEqual([]);
    expect(there.node.sessions()).toEqual([]);
  });

  it('refuse whoever proves nothing in time, and hold no place for it', async () => {
    const there = await listening(server(), 200);
    const session = await dial(there.port);
    const ended = new Promise((resolve) => {
      session.start({ message: () => true, drain: () => {}, end: resolve });
    });
    expect(await ended).toEqual({ by: 'remote' });
    await until(() => there.drops.length === 1);
    expect(there.drops).toEqual([['handshake-failed', expect.stringMatching(/did not prove in time/)]]);
    expect(there.node.sessions()).toEqual([]);
  });

  it('refuse at once whoever sends a message before', async () => {
    const there = await listening(server());
    const session = await dial(there.port);
    await expect(echo(session)).rejects.toThrow('ended by remote');
    expect(there.drops).toEqual([['handshake-failed', expect.stringMatching(/type 3 before it proved/)]]);
  });

  it('refuse a decision that hangs, and tell it by its signal', async () => {
    let told: AbortSignal | undefined;
    const hangs: AdmitPeer = (_key, { signal }) => {
      told = signal;
      return new Promise(() => {});
    };
    const there = await listening(server(hangs), 200);
    await expect(dial(there.port, dialler())).rejects.toMatchObject(REFUSED);
    await until(() => told!.aborted);
    expect(there.drops[0]![0]).toBe('handshake-failed');
  });

  it('take an answer that needs no waiting, and anything but a key for a no', async () => {
    const key = publicKeyOf(TEST_2.publicKey);
    const there = await listening(server(() => key));
    expect(
      (
        await dial(
          there.port,
          dialler(() => publicKeyOf(TEST_1.publicKey)),
        )
      ).peer,
    ).toMatchObject({ method: 'key' });
    expect(there.sessions[0]!.peer).toEqual({ method: 'key', key });
    const answers: (() => unknown)[] = [
      () => null,
      () => undefined,
      () => Promise.reject(new Error('no answer')),
      () => {
        throw new Error('no answer');
      },
    ];
    for (const answer of answers) {
      const strict = await listening(server(answer as AdmitPeer));
      await expect(dial(strict.port, dialler())).rejects.toMatchObject(REFUSED);
      expect(strict.drops).toEqual([['handshake-failed', expect.stringMatching(/none of those that are admitted/)]]);
    }
  });

  it('hang up where the table is full when the proof is there', async () => {
    const there = await listening(server(), 10_000, 1);
    await dial(there.port, dialler());
    await expect(dial(there.port, dialler())).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  it('are left at once when the dial is given up', async () => {
    const there = await listening(server());
    const controller = new AbortController();
    const asked: AdmitPeer = () => {
      controller.abort(new Error('changed my mind'));
      return new Promise(() => {});
    };
    const dialled = createPoolNode().dial({
      host: '127.0.0.1',
      port: there.port,
      authentication: dialler(asked),
      signal: controller.signal,
    });
    await expect(dialled).rejects.toThrow('changed my mind');
    await until(() => there.drops.length === 1);
  });
});

describe('keys that come to no session are given up', () => {
  it.each<[when: string, act: (abort: () => void) => void]>([
    ['when it is asked', (abort) => abort()],
    ['later', (abort) => void setImmediate(abort)],
  ])('where a dial is given up in its decision, %s, by both sides, those of the exchange too', async (_, act) => {
    const [here, over] = [noting(), noting()];
    const there = await listening(server(), 10_000, 8, over.crypto);
    const controller = new AbortController();
    const asked: AdmitPeer = () => {
      act(() => controller.abort(new Error('changed my mind')));
      return new Promise(() => {});
    };
    const dialled = createPoolNode({}, { crypto: here.crypto }).dial({
      host: '127.0.0.1',
      port: there.port,
      authentication: dialler(asked),
      signal: controller.signal,
    });
    // Whatever the socket's end would bring comes later.
    const left = dialled.catch((error: Error) => [error.message, here.held.size]);
    expect(await left).toEqual(['changed my mind', 0]);
    await until(() => there.drops.length === 1);
    expect(over.held.size).toBe(0);
    for (const { bindings } of [here, over]) {
      expect(bindings.length).toBeGreaterThan(0);
      expect(bindings.filter((key) => key.some((byte) => byte !== 0))).toEqual([]);
    }
  });

  it.each([
    ['before the proofs', server(), dialler()],
    ['after RESPONSE', undefined, undefined],
  ])('where the last slot went meanwhile, %s', async (_, listens, dials) => {
    const { crypto, held } = noting();
    const there = await listening(listens, 10_000, 1, crypto);
    let first: NodeSession | undefined;
    const second = createPoolNode({}, { crypto }).dial({
      host: '127.0.0.1',
      port: there.port,
      ...(dials && { authentication: dials }),
      beforeResponse: async () => void (first = await dial(there.port, dials)),
    });
    await expect(second).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(there.drops.map(([reason]) => reason)).toEqual(['table-full']);
    first!.destroy();
    there.sessions[0]!.destroy();
    await until(() => held.size === 0);
  });
});

it('nodes with a pre-shared key converse, and others are refused', async () => {
  const psk = (bytes: Uint8Array): DialAuthentication => ({
    credentials: { mode: 'psk', key: preSharedKey(bytes) },
    admit: nobody,
  });
  const there = await listening({ credentials: { mode: 'psk', keys: [preSharedKey(PSK_BYTES)] }, admit: nobody });
  const session = await dial(there.port, psk(PSK_BYTES));
  expect(await echo(session)).toBe('who are you');
  expect(session.peer).toEqual({ method: 'psk' });
  await expect(dial(there.port, psk(PSK_BYTES.slice().reverse()))).rejects.toMatchObject(REFUSED);
});

it('a node knows a listener of its own under a pre-shared key, also one of several that it began with at once', async () => {
  const node = createPoolNode();
  const listen = (): Promise<NodeListener> =>
    node.listen({
      host: '127.0.0.1',
      port: 0,
      authentication: { credentials: { mode: 'psk', keys: [preSharedKey(PSK_BYTES)] }, admit: nobody },
      session: (session) => session.destroy(),
    });
  const listeners = await Promise.all([listen(), listen()]);
  open.push(...listeners.map((listener) => () => listener.close()));
  for (const { local } of listeners) {
    const dialled = node.dial({
      host: '127.0.0.1',
      port: local.port,
      authentication: { credentials: { mode: 'psk', key: preSharedKey(PSK_BYTES) }, admit: nobody },
    });
    await expect(dialled).rejects.toMatchObject({
      ...REFUSED,
      message: expect.stringMatching(/an offer of this very node/) as string,
    });
  }
});

it('a dial with proofs fails at a listener without them', async () => {
  const there = await listening(undefined);
  const asking = createPoolNode().dial({
    host: '127.0.0.1',
    port: there.port,
    completionTimeout: 300,
    authentication: dialler(),
  });
  await expect(asking).rejects.toMatchObject({
    ...REFUSED,
    message: expect.stringMatching(/did not prove in time/) as string,
  });
});

it('a dial with proofs has completionTimeout for all that follows CHALLENGE, its decision included', async () => {
  const MS = 1_000_000n;
  let now = 1_000_000n * MS;
  const there = await listening(server(), 600_000);
  const relay = net.createServer((socket) => {
    const onward = net.connect(there.port, '127.0.0.1');
    onward.pipe(socket);
    let packets = 0;
    socket.on('data', (chunk: Buffer) => {
      // RESPONSE: CHALLENGE is there, and what follows takes most of the time.
      if (++packets === 2) now += 90n * MS;
      onward.write(chunk);
    });
    for (const end of [socket, onward]) end.on('error', () => {});
    socket.on('close', () => onward.destroy());
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  open.push(() => relay.close());
  const { port } = relay.address() as net.AddressInfo;
  let asked = false;
  const hangs: AdmitPeer = () => {
    asked = true;
    return new Promise(() => {});
  };
  const dialled = createPoolNode({}, { clock: () => now }).dial({
    host: '127.0.0.1',
    port,
    completionTimeout: 100,
    authentication: dialler(hangs),
  });
  let refused: unknown;
  dialled.catch((error: unknown) => (refused = error));
  await until(() => asked);
  expect(refused).toBeUndefined();
  now += 10n * MS;
  await expect(dialled).rejects.toMatchObject({
    ...REFUSED,
    message: expect.stringMatching(/did not prove in time/) as string,
  });
});

it('somebody in the path who hangs up is no refusal', async () => {
  const there = await listening(server());
  const relay = net.createServer((socket) => {
    const onward = net.connect(there.port, '127.0.0.1');
    socket.pipe(onward);
    let packets = 0;
    onward.on('data', (chunk: Buffer) => {
      packets++;
      if (packets === 2) {
        socket.end();
        onward.destroy();
      } else socket.write(chunk);
    });
    for (const end of [socket, onward]) end.on('error', () => {});
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  open.push(() => relay.close());
  const { port } = relay.address() as net.AddressInfo;
  await expect(dial(port, dialler())).rejects.toMatchObject({ code: 'ECONNRESET' });
});
