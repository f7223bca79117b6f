/** No key, proof or plaintext in anything that a program could log: errors, inspection, diagnostics. */
import * as diagnostics from 'node:diagnostics_channel';
import { connect, createServer, type AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { callSite } from '../../src/pool/call-site.js';
import type { Conn } from '../../src/pool/flow/conn.js';
import { connMaker } from '../../src/pool/flow/conn-events.js';
import { dialWith } from '../../src/pool/dial.js';
import { listenWith } from '../../src/pool/listen.js';
import type { Listener } from '../../src/pool/listener.js';
import { createUserBackend } from '../../src/pool/user-backend.js';
import { createPoolNode } from '../../src/poolnode/node.js';
import { Peer, TYPE } from '../peer/peer.js';
import { recording, shown, spellings } from './shown-secrets.js';

const PLAINTEXT = 'attack at dawn, and bring the ladders';
const CHANNELS = [
  ...['start', 'end', 'asyncStart', 'asyncEnd', 'error'].flatMap((part) => [
    `tracing:pool.dial:${part}`,
    `tracing:pool.listen:${part}`,
  ]),
  'pool.conn.open',
  'pool.conn.close',
  'pool.conn.error',
  'pool.session.rekey',
  'pool.listener.drop',
];

/** A connection to `port` whose bytes towards it pass through `change`, once the handshake is over. */
async function meddler(port: number, change: (chunk: Buffer) => Buffer): Promise<{ port: number; close(): void }> {
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    let seen = 0;
    near.on('data', (chunk: Buffer) => {
      // INIT has 144 bytes and RESPONSE 160.
      far.write(seen >= 304 ? change(chunk) : chunk);
      seen += chunk.length;
    });
    far.pipe(near);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('error', () => {}).on('close', () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, close: () => void server.close() };
}

it('errors, inspection and diagnostics hold no secret', async () => {
  const secrets: Buffer[] = [];
  const logged: unknown[] = [];
  const log = (message: unknown): void => void logged.push(shown(message));
  for (const name of CHANNELS) diagnostics.subscribe(name, log);
  const node = createPoolNode({}, { crypto: recording(secrets), limits: { rekeyPackets: 20 } });
  const parts = { selectBackend: async () => createUserBackend(node), connMaker };
  const listener: Listener = await listenWith(parts, callSite(it), '127.0.0.1:0');
  const { port } = listener.addr;
  const dial = (to: number, timeout = 0): Promise<Conn> =>
    dialWith(parts, callSite(it), { host: '127.0.0.1', port: to }, { timeout });
  const failures = async (...calls: Promise<unknown>[]): Promise<void> => {
    for (const result of await Promise.allSettled(calls)) {
      if (result.status === 'rejected') log(result.reason);
    }
  };

  // A session that rekeys, is looked at, and is used after its end.
  const [client, server] = await Promise.all([dial(port), listener.accept()]);
  for (let i = 0; i < 40; i++) {
    await client.writeMessage(PLAINTEXT);
    await server.readMessage();
  }
  expect((await client.telemetry()).rekeyCount).toBeGreaterThan(0);
  await client.writeMessage(PLAINTEXT);
  const five = await client.openChannel(5);
  for (const value of [client, server, five, listener, node, node.sessions(), await client.info()]) log(value);
  await failures(client.writeMessage(`${PLAINTEXT}${' '.repeat(70_000)}`), client.write({ PLAINTEXT } as never));
  await client.close();
  await failures(server.writeMessage(PLAINTEXT), client.writeMessage(PLAINTEXT), server.telemetry());

  // One whose bytes are changed, one whose packet comes twice.
  const [flip, twice] = [
    await meddler(port, (chunk) => Buffer.from(chunk.map((byte, i) => (i === chunk.length - 1 ? byte ^ 1 : byte)))),
    await meddler(port, (chunk) => Buffer.concat([chunk, chunk])),
  ];
  for (const [proxy, code] of [
    [flip, 'ERR_POOL_AUTH_FAILED'],
    [twice, 'ERR_POOL_PROTOCOL'],
  ] as const) {
    const [near, far] = await Promise.all([dial(proxy.port), listener.accept()]);
    await near.writeMessage(PLAINTEXT);
    const { error } = await far.closed;
    expect(error?.code).toBe(code);
    log(error);
    await failures(far.readMessage(), far.readMessage(), near.readMessage());
    near.destroy();
    proxy.close();
  }

  // Handshakes and sessions that go wrong at the other side.
  await failures(Peer.dial(port, '127.0.0.1', { forgeProof: true }));
  const [peer, lost] = await Promise.all([Peer.dial(port), listener.accept()]);
  peer.send(TYPE.REKEY, Buffer.alloc(32));
  await failures(lost.readMessage());
  await failures(dial(1));

  await listener.close({ connections: 'destroy' });
  for (const name of CHANNELS) diagnostics.unsubscribe(name, log);
  const everything = logged.join('\n');
  expect(secrets.length).toBeGreaterThan(30);
  expect(logged.length).toBeGreaterThan(20);
  const found = secrets.flatMap(spellings).filter((spelling) => everything.includes(spelling));
  expect(found).toEqual([]);
  for (const part of [PLAINTEXT, Buffer.from(PLAINTEXT).toString('hex')]) expect(everything).not.toContain(part);
});
