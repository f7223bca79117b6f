import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registry } from '../require.js';
import { userProject, type UserProject } from './user-project.js';

/** The oldest that is promised, the two sides of the change to typed arrays in 5.7, and the newest of each since. */
const VERSIONS = ['5.2', '5.6', '5.7', '5.9', '6', '7'] as const;

/** Each entry point is imported, and their declarations are checked with it: skipLibCheck is false. */
const everywhere = `
import * as pool from 'pool-ts';
import { Device, ipv4ToMapped } from 'pool-ts/poolioc';
import { PoolNode } from 'pool-ts/poolnode';
import { PoolDevice } from 'pool-ts/pooldev';
import { Agent, serveHttp } from 'pool-ts/http';
import { pipe } from 'pool-ts/testing';
export type Used = [PoolNode, PoolDevice];
export const values: unknown[] = [Device, Agent, serveHttp, pipe];

export async function main(conn: pool.Conn, device: Device): Promise<void> {
  const taken: (ArrayBuffer | DataView | Uint8Array | string)[] = [ipv4ToMapped('10.0.0.1'), new DataView(new ArrayBuffer(1))];
  for (const data of taken) await conn.write(data);
  await conn.read(new ArrayBuffer(10));
  const sent: number = conn.bytesWritten;
  const rtt: bigint | null = (await conn.telemetry()).rttNs;
  const [session] = await device.sessions();
  console.log(sent, rtt, session?.sessionId.length, JSON.stringify(conn));
  try {
    await pool.dial({ host: 'a', port: process.env['PORT'] });
  } catch (error) {
    if (!(error instanceof pool.PoolError)) throw error;
    const known: pool.PoolErrorCode[] = ['ABORT_ERR', 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM'];
    const { code: given } = error;
    if (given === 'ECONNREFUSED' || known.some((code) => code === given)) return;
    // @ts-expect-error the code is not any
    error.code.nonsense();
  }
}
`;

/** What takes bytes that nobody shares; before 5.7 TypeScript knew no other. */
const bytes = `
import * as pool from 'pool-ts';
import { ipv4ToMapped, type Device } from 'pool-ts/poolioc';
export async function main(conn: pool.Conn, requester: pool.Requester, device: Device): Promise<unknown> {
  const message = (await conn.readMessage())!;
  const batch = (await conn.readMessages())!;
  for await (const one of conn) new Blob([one]);
  device.receiveMessages(0, 0, { message: (one) => void new Blob([one]) });
  for (const session of await device.sessions()) new Blob([session.sessionId, session.peerAddr]);
  new Blob([ipv4ToMapped('10.0.0.1'), await requester.request('x')]);
  return [
    new Blob([message, ...batch]),
    await fetch('http://127.0.0.1', { method: 'POST', body: message }),
    await crypto.subtle.digest('SHA-256', message),
    new Response(message),
    READABLE
  ];
}
`;

describe.skipIf(registry().missing)('the types of the tarball', () => {
  let project: UserProject;

  beforeAll(() => {
    const compilers = VERSIONS.map((version) => `typescript-${version}@npm:typescript@${version}`);
    project = userProject('typescript', ...compilers, '@types/node@20', 'prom-client@15');
    project.write('everywhere.ts', everywhere);
    project.write('node.ts', bytes.replace('READABLE', 'new Response(conn.readable)'));
    // To @types/node, the stream/web of Node is no ReadableStream of the DOM, whoever made it.
    project.write('dom.ts', bytes.replace('READABLE', 'conn.readable'));
  }, 600_000);

  afterAll(() => project.remove());

  const check = (version: string, lib: string, file: string, module = 'node16') => {
    const flags = ['--noEmit', '--strict', '--target', 'es2022', '--skipLibCheck', 'false', '--types', 'node'];
    const bin = `node_modules/typescript-${version}/bin/tsc`;
    return project.node(bin, ...flags, '--lib', lib, '--module', module, '--moduleResolution', module, file);
  };

  // A compiler takes seconds, and on a busy machine a minute.
  const COMPILE_MS = 300_000;

  it.each(VERSIONS)(
    'compile under TypeScript %s',
    (version) => {
      const { status, out } = check(version, 'es2023,esnext.disposable', 'everywhere.ts');
      expect(status, out).toBe(0);
    },
    COMPILE_MS,
  );

  const kinds = [
    { file: 'node.ts', lib: 'es2023,esnext.disposable' },
    { file: 'dom.ts', lib: 'es2023,esnext.disposable,dom,dom.iterable' },
  ];
  it.each(VERSIONS.flatMap((version) => kinds.map((kind) => ({ version, ...kind }))))(
    'give bytes that Blob, fetch, WebCrypto and Response take, under TypeScript $version, $file',
    ({ version, lib, file }) => {
      const { status, out } = check(version, lib, file);
      expect(status, out).toBe(0);
    },
    COMPILE_MS,
  );
});
