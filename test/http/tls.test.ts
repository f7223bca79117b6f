import { transform } from 'esbuild';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { selfSigned } from '../../bench/certificate.js';
import type { Channel } from '../../src/index.js';
import { connPair } from './pool-pair.js';
import { blocksOf } from '../docs/markdown.js';
import { randomBytes } from '../random.js';

/** POOL 1 doesn't say who the peer is. TLS within a channel does, both ways. */
const SECURE = 7;
const server = selfSigned('server');
const client = selfSigned('client');
const stranger = selfSigned('client');

let stop: () => Promise<void> = async () => {};
afterEach(() => stop());

async function channels(): Promise<[Channel, Channel]> {
  const pair = await connPair();
  ({ stop } = pair);
  return Promise.all([pair.client.openChannel(SECURE), pair.server.openChannel(SECURE)]);
}

/** A tls.Server that never listens: it is given a connection. */
function accept(channel: Channel): { accepted: Promise<tls.TLSSocket>; tlsServer: tls.Server } {
  const tlsServer = tls.createServer({ ...server, ca: [client.cert], requestCert: true, rejectUnauthorized: true });
  const accepted = once(tlsServer, 'secureConnection').then(([socket]) => socket as tls.TLSSocket);
  accepted.catch(() => {});
  tlsServer.emit('connection', channel.toDuplex());
  return { accepted, tlsServer };
}

const dial = (channel: Channel, identity: { key: string; cert: string }): tls.TLSSocket =>
  tls.connect({
    socket: channel.toDuplex(),
    ...identity,
    ca: [server.cert],
    // Pinned by its certificate: it has no host name.
    checkServerIdentity: () => undefined,
  });

describe('TLS within a channel', () => {
  it('proves both ends to each other by certificate, and carries bytes whole', async () => {
    const [near, far] = await channels();
    const secure = accept(far).accepted;
    const dialled = dial(near, client);
    await once(dialled, 'secureConnect');
    const accepted = await secure;
    expect(accepted.authorized).toBe(true);
    expect(dialled.authorized).toBe(true);
    expect(dialled.getPeerCertificate().subject.CN).toBe('server');
    expect(accepted.getPeerCertificate().subject.CN).toBe('client');
    const data = randomBytes(3_000_000);
    accepted.pipe(accepted);
    const chunks: Buffer[] = [];
    dialled.on('data', (chunk: Buffer) => chunks.push(chunk));
    dialled.end(data);
    await once(dialled, 'close');
    // TLS has a half close of its own, but a Channel has none: what came back after end() may be cut off.
    const back = Buffer.concat(chunks);
    expect(back.equals(data.subarray(0, back.length))).toBe(true);
    expect(near.state).toBe('closed');
    expect(near.conn.state).toBe('open');
  });

  it('carries a conversation to its end', async () => {
    const [near, far] = await channels();
    const secure = accept(far).accepted;
    const dialled = dial(near, client);
    const accepted = await secure;
    const data = randomBytes(2_000_000);
    accepted.pipe(accepted);
    let left = data.length;
    const chunks: Buffer[] = [];
    const all = new Promise<void>((resolve) => {
      dialled.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        left -= chunk.length;
        if (left === 0) resolve();
      });
    });
    dialled.write(data);
    await all;
    expect(Buffer.concat(chunks).equals(data)).toBe(true);
    const ended = once(accepted, 'end');
    dialled.end();
    await ended;
  });

  it('refuses a client whose certificate is not the one', async () => {
    const [near, far] = await channels();
    const { accepted } = accept(far);
    let entered = false;
    void accepted.then(() => (entered = true));
    const dialled = dial(near, stranger);
    dialled.on('error', () => {});
    dialled.resume();
    // The server hangs up, on its side of the channel: whoever refuses so does well to close the Conn, which the peer sees.
    await far.closed;
    expect(entered).toBe(false);
    await far.conn.close();
    await near.closed;
  });

  it('refuses a server whose certificate is not the one', async () => {
    const [near, far] = await channels();
    const { tlsServer } = accept(far);
    const refused = once(tlsServer, 'tlsClientError');
    const dialled = tls.connect({ socket: near.toDuplex(), ...client, ca: [stranger.cert] });
    const [error] = (await once(dialled, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toMatch(/SELF_SIGNED|UNABLE_TO_VERIFY|SIGNATURE/);
    far.destroy();
    await refused;
  });
});

/** The two functions of the guide, as they stand there. */
async function recipe(): Promise<Record<'secureDial' | 'secureAccept', Secure>> {
  const block = blocksOf('docs/guide/streams-and-http.md').find(({ code }) => code.includes('function secureAccept'))!;
  const { code } = await transform(`${block.code}\nexport { secureDial, secureAccept };`, {
    loader: 'ts',
    format: 'esm',
  });
  const folder = mkdtempSync(join(tmpdir(), 'pool-ts-recipe-'));
  try {
    const file = join(folder, 'recipe.mjs');
    writeFileSync(file, code);
    return (await import(pathToFileURL(file).href)) as Record<'secureDial' | 'secureAccept', Secure>;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
type Secure = (channel: Channel, own: { key: string; cert: string }, peerCert: string) => Promise<tls.TLSSocket>;

describe('the recipe of the guide', () => {
  it('proves both ends, and carries what they say', async () => {
    const { secureDial, secureAccept } = await recipe();
    const [near, far] = await channels();
    const [dialled, accepted] = await Promise.all([
      secureDial(near, client, server.cert),
      secureAccept(far, server, client.cert),
    ]);
    dialled.write('who are you');
    const [question] = (await once(accepted, 'data')) as [Buffer];
    accepted.write(`${String(accepted.getPeerCertificate().subject.CN)}, as you proved: ${question.toString()}`);
    const [answer] = (await once(dialled, 'data')) as [Buffer];
    expect(answer.toString()).toBe('client, as you proved: who are you');
  });

  it('refuses whoever has another certificate, on either side', async () => {
    const { secureDial, secureAccept } = await recipe();
    const [near, far] = await channels();
    const dialled = secureDial(near, stranger, server.cert);
    dialled.catch(() => {});
    await expect(secureAccept(far, server, client.cert)).rejects.toMatchObject({ code: expect.any(String) as string });
    await far.conn.close();
    await stop();
    const [one, other] = await channels();
    const accepted = secureAccept(other, server, client.cert);
    accepted.catch(() => {});
    await expect(secureDial(one, client, stranger.cert)).rejects.toMatchObject({ code: expect.any(String) as string });
  });
});
