/**
 * The version before authentication, of this repository's own history, against today's: where nobody asks who the peer is,
 * the wire is what it was. Each conversation goes through a proxy that counts.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requirement } from '../require.js';
import { root } from './user-project.js';

/** The last commit whose peers know nothing of proofs. */
const PREVIOUS = 'f9595969e251f777202a97ad5c56d74e3176f4e8';

const history = requirement('history', () => {
  const { status, error } = spawnSync('git', ['cat-file', '-e', `${PREVIOUS}^{commit}`], {
    cwd: root,
    stdio: 'ignore',
  });
  if (error !== undefined) return 'there is no git on PATH';
  return status === 0 ? null : `this tree's history does not reach to ${PREVIOUS.slice(0, 7)}`;
});

type Version = 'previous' | 'present';

describe.skipIf(history.missing)('the version before authentication', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'pool-ts-previous-'));
  const index = {
    previous: pathToFileURL(join(scratch, 'src/index.ts')).href,
    present: pathToFileURL(join(root, 'src/index.ts')).href,
  };

  beforeAll(() => {
    mkdirSync(scratch, { recursive: true });
    const archive = spawnSync('git', ['archive', PREVIOUS, 'src', 'package.json', 'tsconfig.json'], {
      cwd: root,
      maxBuffer: 2 ** 28,
    });
    const { status, stderr } = spawnSync('tar', ['-x', '-C', scratch], { input: archive.stdout, encoding: 'utf8' });
    if (archive.status !== 0 || status !== 0) throw new Error(`git archive: ${archive.stderr.toString()}${stderr}`);
    symlinkSync(join(root, 'node_modules'), join(scratch, 'node_modules'));
  });

  afterAll(() => rmSync(scratch, { recursive: true }));

  /** What each side printed, and the bytes each way. */
  async function converse(dialler: Version, server: Version): Promise<{ said: string[][]; up: number; down: number }> {
    const program = join(root, 'test/programs/across-versions.ts');
    const start = (version: Version, ...args: string[]) => {
      const child = spawn(process.execPath, ['--import', 'tsx', program, index[version], ...args], {
        cwd: root,
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const lines: string[] = [];
      const reader = createInterface(child.stdout).on('line', (line) => lines.push(line));
      const ended = Promise.all([once(child, 'exit'), once(reader, 'close')]).then(([[code]]) => {
        if (code !== 0) throw new Error(`${version} ${args.join(' ')} ended with ${String(code)}`);
        return lines;
      });
      return { child, reader, ended };
    };
    const serving = start(server, 'serve');
    const [line] = (await Promise.race([once(serving.reader, 'line'), serving.ended])) as [string];
    const passed = { up: 0, down: 0 };
    const proxy = createServer((near) => {
      const far = connect(Number(line.split(' ')[1]), '127.0.0.1');
      near.on('data', (chunk: Buffer) => (passed.up += chunk.length)).pipe(far);
      far.on('data', (chunk: Buffer) => (passed.down += chunk.length)).pipe(near);
      for (const socket of [near, far]) socket.on('error', () => [near, far].forEach((each) => each.destroy()));
    });
    await once(proxy.listen(0, '127.0.0.1'), 'listening');
    const dialling = start(dialler, 'dial', `127.0.0.1:${(proxy.address() as AddressInfo).port}`);
    try {
      const said = await Promise.all([serving.ended, dialling.ended]);
      return { said: said.map((lines) => lines.filter((each) => !each.startsWith('port '))), ...passed };
    } finally {
      serving.child.kill('SIGKILL');
      dialling.child.kill('SIGKILL');
      proxy.close();
    }
  }

  it('converses with the present one in both roles, byte for byte as many as with itself', async () => {
    const alike = await converse('previous', 'previous');
    expect(alike.said[0]).toEqual(['end null', expect.stringMatching(/^came( [0-9a-f]{64}){3}$/)]);
    expect(alike.up).toBeGreaterThan(1_000_000);
    expect(await converse('present', 'previous')).toEqual(alike);
    expect(await converse('previous', 'present')).toEqual(alike);
    expect(await converse('present', 'present')).toEqual(alike);
  });
});
