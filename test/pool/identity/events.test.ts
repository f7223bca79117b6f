/** What is published and counted of peers that are asked who they are, and that no secret is in any of it. */
import * as diagnostics from 'node:diagnostics_channel';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { collectPoolMetrics } from '../../../src/metrics/index.js';
import { callSite } from '../../../src/pool/call-site.js';
import { dialWith } from '../../../src/pool/dial.js';
import type { Conn } from '../../../src/pool/flow/conn.js';
import { connMaker } from '../../../src/pool/flow/conn-events.js';
import { generateIdentity } from '../../../src/pool/identity/identity.js';
import { listenWith } from '../../../src/pool/listen.js';
import type { Listener } from '../../../src/pool/listener.js';
import type { DialOptions, ListenOptions } from '../../../src/pool/options.js';
import { createUserBackend } from '../../../src/pool/user-backend.js';
import { createPoolNode } from '../../../src/poolnode/node.js';
import { PSK_BYTES } from '../../poolnode/protocol/authentication/credentials.js';
import { recording, shown, spellings } from '../shown-secrets.js';

const NAMES = ['pool.conn.open', 'pool.peer.authenticated', 'pool.peer.refused', 'pool.listener.drop'] as const;
const [server, client, stranger] = ['server', 'client', 'stranger'].map((comment) => generateIdentity({ comment }));

interface Told {
  name: string;
  role?: string;
  peer?: { method: string; fingerprint?: string };
  error?: { code: string };
}
let told: Told[];
const listening = new Map<string, (message: unknown) => void>();
beforeEach(() => {
  told = [];
  for (const name of NAMES) {
    const note = (message: unknown): void => void told.push({ ...(message as object), name });
    listening.set(name, note);
    diagnostics.subscribe(name, note);
  }
});
afterEach(() => {
  for (const [name, note] of listening) diagnostics.unsubscribe(name, note);
});

const secrets: Buffer[] = [];
const node = (): Parameters<typeof dialWith>[0] => {
  const made = createPoolNode(
    {},
    { crypto: recording(secrets), handshakeLimits: { timeout: 10_000, initTimeout: 10_000 } },
  );
  return { selectBackend: async () => createUserBackend(made), connMaker };
};

const serve = (options: ListenOptions): Promise<Listener> => listenWith(node(), callSite(it), '127.0.0.1:0', options);
const dial = (to: Listener, options: DialOptions): Promise<Conn> => dialWith(node(), callSite(it), to.addr, options);
const of = (name: string): Told[] => told.filter((each) => each.name === name);

async function until(met: () => boolean): Promise<void> {
  while (!met()) await new Promise((resolve) => setImmediate(resolve));
}

const keys = { identity: server!.privateKey, peers: [client!.line] };

it('a proof is told of on both sides, behind the session that it opened, and counted', async () => {
  const register = new Registry();
  const stop = collectPoolMetrics({ register });
  const listener = await serve(keys);
  const conn = await dial(listener, { identity: client!.privateKey, peers: [server!.line] });
  await listener.accept();
  for (const [role, fingerprint] of [
    ['client', server!.fingerprint],
    ['server', client!.fingerprint],
  ]) {
    const mine = told.filter((each) => each.role === role);
    expect(mine.map(({ name }) => name)).toEqual(['pool.conn.open', 'pool.peer.authenticated']);
    expect(mine[1]).toMatchObject({ peer: { method: 'key', fingerprint } });
  }
  await expect(dial(listener, { identity: stranger!.privateKey, peers: [server!.line] })).rejects.toMatchObject({
    code: 'ERR_POOL_AUTH_FAILED',
  });
  await until(() => of('pool.peer.refused').length === 2);
  const metrics = await register.metrics();
  stop();
  for (const role of ['client', 'server']) {
    expect(metrics).toContain(`pool_peers_authenticated_total{role="${role}"} 1`);
    expect(metrics).toContain(`pool_peers_refused_total{role="${role}"} 1`);
  }
  expect(await register.metrics()).toBe('\n');
  conn.destroy();
  await listener.close({ connections: 'destroy' });
});

it('a refusal is told of on both sides, with the address, and why on the side that refused', async () => {
  const listener = await serve(keys);
  await expect(dial(listener, { peers: [client!.line] })).rejects.toMatchObject({ code: 'ERR_POOL_AUTH_FAILED' });
  await until(() => of('pool.peer.refused').length === 2);
  const [mine, theirs] = ['client', 'server'].map((role) => of('pool.peer.refused').find((each) => each.role === role));
  expect(mine).toMatchObject({ remoteAddr: listener.addr, localAddr: null, error: { code: 'ERR_POOL_AUTH_FAILED' } });
  expect(theirs).toMatchObject({ localAddr: listener.addr, error: { code: 'ERR_POOL_AUTH_FAILED' } });
  expect(of('pool.conn.open')).toEqual([]);
  await listener.close();
});

it('where nobody is asked, nobody is told of', async () => {
  const listener = await serve({});
  const conn = await dial(listener, {});
  await listener.accept();
  expect([of('pool.conn.open').length, of('pool.peer.authenticated').length]).toEqual([2, 0]);
  conn.destroy();
  await listener.close({ connections: 'destroy' });
});

it('no secret is in any error, inspection or event', async () => {
  const logged: unknown[] = [];
  const psk = { psk: PSK_BYTES };
  const wrong = { psk: Uint8Array.from(PSK_BYTES, (byte, at) => (at === 31 ? byte ^ 1 : byte)) };
  const [byKey, byPsk] = await Promise.all([serve(keys), serve(psk)]);
  const both = { identity: client!.privateKey, peers: [server!.line] };
  for (const [to, options] of [
    [byKey, both],
    [byPsk, psk],
  ] as const) {
    const conn = await dial(to, options);
    const accepted = await to.accept();
    logged.push(conn, accepted, conn.peer, accepted.peer, await conn.info(), to, options);
    conn.destroy();
  }
  const failing: [Listener, DialOptions][] = [
    [byKey, { ...both, identity: stranger!.privateKey }],
    [byKey, { ...both, peers: [stranger!.line] }],
    [byKey, { peers: [server!.line] }],
    [byKey, psk],
    [byPsk, wrong],
    [byPsk, both],
    [byKey, { ...both, peers: () => Promise.reject(new Error('a fault')) }],
    [byKey, { ...both, identity: client!.pem.replace('MC4C', 'MC5C') }],
    [byPsk, { psk: PSK_BYTES.subarray(1) }],
    [byPsk, { psk: Buffer.from(PSK_BYTES).toString('base64') as never }],
    [byKey, { ...both, identity: Buffer.from(client!.pem) as never }],
  ];
  for (const [to, options] of failing) {
    const error = await dial(to, options).then(
      () => expect.unreachable('it dialled'),
      (reason: unknown) => reason,
    );
    logged.push(error);
  }
  // Each of the seven that reached a listener.
  await until(() => of('pool.peer.refused').filter(({ role }) => role === 'server').length === 7);
  await Promise.all([byKey, byPsk].map((listener) => listener.close({ connections: 'destroy' })));

  const raw = (identity: typeof server): Buffer =>
    Buffer.from(identity!.privateKey.export({ format: 'jwk' }).d!, 'base64url');
  // What the options hold was given by the program, who logs it itself: a key object shows nothing, bytes show themselves.
  const everything = [...told, ...logged.filter((each) => each !== psk && each !== wrong)].map(shown).join('\n');
  expect(secrets.length).toBeGreaterThan(100);
  const given = [raw(server), raw(client), raw(stranger), Buffer.from(PSK_BYTES), Buffer.from(wrong.psk)];
  const found = [...secrets, ...given].flatMap(spellings).filter((spelling) => everything.includes(spelling));
  expect(found).toEqual([]);
  expect(everything).not.toContain(client!.pem.split('\n')[1]!.slice(10, 40));
});
