/** dial and listen with identities, as programs use them. */
import { createSecretKey } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { createContext, runInContext } from 'node:vm';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { dial } from '../../../src/pool/dial.js';
import { generateIdentity } from '../../../src/pool/identity/identity.js';
import { checkPsk, loadPsk, type PskInput } from '../../../src/pool/identity/pre-shared-key.js';
import { listen } from '../../../src/pool/listen.js';
import type { DialOptions, ListenOptions } from '../../../src/pool/options.js';
import { selectBackend } from '../../../src/pool/select.js';
import { PSK_BYTES } from '../../poolnode/protocol/authentication/credentials.js';

const user = { backend: 'user' } as const;
const server = generateIdentity({ comment: 'the server' });
const client = generateIdentity({ comment: 'ann' });

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'pool-ts-api-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
});

async function pair(listening: ListenOptions, dialling: DialOptions) {
  const listener = await listen('127.0.0.1:0', { ...user, ...listening });
  opened.push(listener);
  const conn = await dial(listener.addr, { ...user, ...dialling });
  const accepted = await listener.accept();
  opened.push(conn, accepted);
  await conn.writeMessage('hello');
  expect(Buffer.from((await accepted.readMessage())!).toString()).toBe('hello');
  return { conn, accepted };
}

describe('a conversation between two that prove themselves', () => {
  it('tells each the key of the other, with the comment of its own list', async () => {
    const { conn, accepted } = await pair(
      { identity: server.privateKey, peers: [client.line] },
      { identity: client.pem, peers: [server.line] },
    );
    expect(conn.peer).toMatchObject({ method: 'key', fingerprint: server.fingerprint, comment: 'the server' });
    expect(accepted.peer).toMatchObject({ method: 'key', fingerprint: client.fingerprint, comment: 'ann' });
  });

  it('works from files, and the next dial finds a key out that was taken from them', async () => {
    const [identity, peers] = [join(folder, 'id'), join(folder, 'peers')];
    writeFileSync(identity, server.pem, { mode: 0o600 });
    writeFileSync(peers, `${client.line}\n`, { mode: 0o644 });
    const listener = await listen('127.0.0.1:0', { ...user, identity: { file: identity }, peers: { file: peers } });
    opened.push(listener);
    const options = { ...user, identity: client.privateKey, peers: [server.publicKey] };
    const conn = await dial(listener.addr, options);
    opened.push(conn, await listener.accept());
    writeFileSync(peers, '# nobody\n');
    await expect(dial(listener.addr, options)).rejects.toMatchObject({
      code: 'ERR_POOL_AUTH_FAILED',
      syscall: 'connect',
    });
    expect(conn.state).toBe('open');
  });

  it('asks a function about a key that is proven', async () => {
    const asked: string[] = [];
    const { conn } = await pair(
      { identity: server.privateKey, peers: 'anyone' },
      {
        peers: (key) => {
          asked.push(key.fingerprint);
          return true;
        },
      },
    );
    expect(asked).toEqual([server.fingerprint]);
    expect(conn.peer).toMatchObject({ method: 'key', comment: undefined });
  });

  it('leaves a stranger unknown', async () => {
    const { accepted } = await pair({ identity: server.privateKey, peers: 'anyone' }, { peers: [server.line] });
    expect(accepted.peer).toBeNull();
  });

  it('is as before where nobody asks', async () => {
    const { conn, accepted } = await pair({}, {});
    expect([conn.peer, accepted.peer]).toEqual([null, null]);
  });
});

describe('a pre-shared key', () => {
  const copy = Uint8Array.from(PSK_BYTES);
  const foreign = runInContext('bytes => Uint8Array.from(bytes)', createContext({})) as (
    bytes: Uint8Array,
  ) => Uint8Array;
  const padded = Uint8Array.of(0, ...PSK_BYTES, 0);

  it.each<[string, PskInput]>([
    ['a Buffer', Buffer.from(PSK_BYTES)],
    ['an ArrayBuffer', copy.buffer],
    ['a DataView of a part', new DataView(padded.buffer, 1, PSK_BYTES.length)],
    // As jest's realms have it.
    ['a Uint8Array of another realm', foreign(PSK_BYTES)],
    ['a KeyObject', createSecretKey(PSK_BYTES)],
  ])('is taken as %s', async (_, given) => {
    const salt = Uint8Array.of(1, 2, 3);
    const psk = await loadPsk(checkPsk(given));
    expect(psk.derive(salt, 'x')).toEqual((await loadPsk(PSK_BYTES)).derive(salt, 'x'));
  });
});

it('a secret is not shown', async () => {
  const { conn } = await pair(
    { identity: server.privateKey, peers: [client.line] },
    { identity: client.privateKey, peers: [server.line] },
  );
  const secret = client.pem.split('\n')[1]!;
  const shown = [
    inspect(conn, { depth: 9, showHidden: true }),
    JSON.stringify(conn),
    inspect(await conn.info()),
  ].join();
  expect(shown).not.toContain(secret);
  expect(shown).not.toContain(Buffer.from(secret, 'base64').subarray(-32).toString('hex'));
});

describe('what does not go together is refused before any I/O', () => {
  const nowhere = '192.0.2.1:9';
  it.each<[string, object]>([
    ['identity alone', { identity: client.privateKey }],
    ["'anyone'", { peers: 'anyone' }],
    ['psk with peers', { psk: PSK_BYTES, peers: [server.line] }],
    ['psk with identity', { psk: PSK_BYTES, identity: client.privateKey }],
    ['an empty list', { peers: [] }],
    ['two secrets', { psk: [PSK_BYTES, PSK_BYTES] }],
    ['a passphrase', { psk: 'correct horse' }],
    ['a public key for an identity', { peers: [server.line], identity: client.publicKey }],
    ['a private key for a peer', { peers: [server.privateKey] }],
  ])('by dial: %s', async (_, options) => {
    await expect(dial(nowhere, { ...user, ...options })).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_INVALID_ARG_/) as string,
    });
  });

  it.each<[string, object]>([
    ['identity alone', { identity: server.privateKey }],
    ['peers alone', { peers: [client.line] }],
    ["'anyone' alone", { peers: 'anyone' }],
    ['psk with identity', { psk: PSK_BYTES, identity: server.privateKey }],
    ['no secret', { psk: [] }],
    ['five secrets', { psk: Array(5).fill(PSK_BYTES) }],
  ])('by listen: %s', async (_, options) => {
    await expect(listen('127.0.0.1:0', { ...user, ...options })).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_INVALID_ARG_/) as string,
    });
  });

  it('a file that others may read, with its name', async () => {
    const file = join(folder, 'open');
    writeFileSync(file, client.pem, { mode: 0o644 });
    await expect(dial(nowhere, { ...user, peers: [server.line], identity: { file } })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARG_VALUE',
      message: expect.stringContaining(file) as string,
    });
  });
});

it.each(['kernel', 'auto'] as const)('the kernel module proves nobody: backend %s', async (backend) => {
  const parts = {
    env: {},
    stat: () => Promise.resolve({}),
    kernelBackend: () => Promise.reject(new Error('the device was opened')),
    userBackend: () => {
      throw new Error('another backend was taken');
    },
    warn: () => {},
    told: {},
  };
  await expect(
    selectBackend({ backend, device: undefined, maxSessions: undefined, proves: true }, parts),
  ).rejects.toMatchObject({
    code: 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM',
    message: expect.stringMatching(/TLS/) as string,
  });
});
