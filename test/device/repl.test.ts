/** What a person types into the REPLs, with the kernel backend: test/readme.test.ts does the same with the other one. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Listener, listen } from '../../src/index.js';
import { killAll, ROOT, start } from '../programs/run.js';
import { fuse } from '../require.js';
import { type Served, serveDevice } from './served.js';

const repls = [
  { name: 'tsx', program: ['tsx/dist/cli.mjs', '-i'], load: "const pool = await import('pool-ts');" },
  {
    name: 'ts-node',
    program: ['ts-node/dist/bin.js', '-i', '-T', '-O', '{"module":"commonjs","moduleResolution":"node10"}'],
    load: "import * as pool from 'pool-ts';",
  },
];

describe.skipIf(fuse().missing)('a REPL on a device', () => {
  let served: Served;
  let listener: Listener;
  let folder: string;
  beforeAll(async () => {
    served = await serveDevice();
    listener = await listen('127.0.0.1:0', { backend: 'user' });
    folder = mkdtempSync(join(tmpdir(), 'pool-repl-'));
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(ROOT, join(folder, 'node_modules/pool-ts'), 'junction');
  });
  afterEach(killAll);
  afterAll(async () => {
    await listener.close({ connections: 'destroy' });
    await served.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(repls)('$name dials, writes and reads', async ({ program: [file = '', ...args], load }) => {
    const lines = [
      load,
      `const c = await pool.dial('${listener.addr.toString()}');`,
      'c.backend;',
      "await c.write('hi');",
      'Buffer.from((await c.readMessage()) ?? []).toString();',
      'await c.close();',
      '.exit',
    ];
    const accepted = listener.accept();
    const answered = accepted.then(async (conn) => {
      const message = await conn.readMessage();
      await conn.writeMessage(`you said ${Buffer.from(message ?? []).toString()}`);
      return conn.closed;
    });
    const repl = start([join(ROOT, 'node_modules', file), ...args], {
      cwd: folder,
      env: { POOL_BACKEND: 'kernel', POOL_DEVICE: served.path },
    });
    // A person waits for the prompt as well: what is typed before goes to the statement that still runs.
    for (const [at, line] of lines.entries()) {
      await repl.printed(new RegExp(`(?:^> [^]*?){${at + 1}}$`, 'm'));
      repl.child.stdin.write(`${line}\n`);
    }
    expect(await repl.ended).toBe(0);
    expect(repl.output.stderr).toBe('');
    expect(repl.output.stdout).toMatch(/'kernel'[^]*2[^]*'you said hi'/);
    expect(await answered).toEqual({ by: 'remote' });
  });
});
