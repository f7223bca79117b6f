/** What becomes of a device's thread, and of the process, where one that copies for it hangs. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { PoolDevice } from '../../src/pooldev/index.js';
import { buildPooldev } from './built-worker.js';

/** The number of openat. */
const OPENAT = process.arch === 'arm64' ? 56 : 257;

/**
 * In place of the device's thread: one that has started another, which is inside a call for as long as nobody opens the other end
 * of a pipe. It fails where there is a file `fail` when it is told to close.
 */
const HANGING = `
  const { closeSync, existsSync, openSync, readdirSync, readFileSync } = require('node:fs');
  const { parentPort, Worker, workerData } = require('node:worker_threads');
  const { role, path, running } = workerData;
  if (role === 'hanging') {
    const word = new Int32Array(running);
    Atomics.add(word, 0, 1);
    closeSync(openSync(path + '.pipe', 'r'));
    Atomics.sub(word, 0, 1);
  } else {
    const hanging = new Worker(__filename, { workerData: { role: 'hanging', path, running } });
    const syscall = (task) => {
      try {
        return readFileSync('/proc/self/task/' + task + '/syscall', 'utf8');
      } catch {
        return ''; // it ended meanwhile, or that can't be read here
      }
    };
    // Before it is in there, it could be ended.
    const look = (looks, before) => {
      const call = readdirSync('/proc/self/task').map(syscall).find((text) => /^${OPENAT} /.test(text));
      if ((call !== undefined && call === before) || looks === 500) parentPort.postMessage({ type: 'mounted', path, fd: -1 });
      else setTimeout(look, 10, looks + 1, call);
    };
    look(0);
    parentPort.on('message', ({ type }) => {
      if (existsSync(path + '.fail')) throw new Error('planted');
      if (type !== 'close') return;
      void hanging.terminate();
      parentPort.postMessage({ type: 'closed' });
      parentPort.unref();
    });
  }`;

describe.runIf(process.platform === 'linux')('a device one of whose copies hangs', () => {
  let built: Awaited<ReturnType<typeof buildPooldev>>;
  let folder: string;
  let path: string;
  let worker: string;
  const children: ChildProcess[] = [];
  beforeAll(async () => {
    built = await buildPooldev();
  });
  afterAll(() => built.remove());
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pool-hanging-'));
    path = join(folder, 'pool');
    worker = join(folder, 'hanging.cjs');
    writeFileSync(worker, HANGING);
    expect(spawnSync('mkfifo', [`${path}.pipe`]).status).toBe(0);
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  it.each(['is told to close', 'fails'])('is over when its thread %s, and the thread once the copy is', async (how) => {
    const started = once(process, 'worker') as Promise<[Worker]>;
    const device = await PoolDevice.serve(path, { worker });
    const [thread] = await started;
    const ended = new Promise((settle) => thread.once('exit', settle));
    if (how === 'fails') writeFileSync(`${path}.fail`, '');
    await device.close();
    if (how === 'fails') expect((await device.closed).error).toMatchObject({ code: 'EIO' });
    else expect(await device.closed).toEqual({});
    closeSync(openSync(`${path}.pipe`, 'w'));
    await ended;
  });

  it.each([
    ['its last statement, once it is closed', 'await device.close(); process.exitCode = 4;', 4],
    ['process.exit once it is closed', 'await device.close(); process.exit(5);', 5],
    ['process.exit before', 'process.exit(6);', 6],
    ['an uncaught error', 'setImmediate(() => { throw new Error("uncaught"); });', 1],
  ])('does not keep its process from ending by %s', async (_, ending, code) => {
    const script = `
      const { PoolDevice } = await import(${JSON.stringify(built.indexFile)});
      const device = await PoolDevice.serve(${JSON.stringify(path)}, { worker: ${JSON.stringify(worker)} });
      process.on('exit', (code) => console.log('listener', code));
      ${ending}`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'pipe'] });
    children.push(child);
    const said = { out: '', err: '' };
    child.stdout.on('data', (text: Buffer) => (said.out += text.toString()));
    child.stderr.on('data', (text: Buffer) => (said.err += text.toString()));
    expect(await once(child, 'close')).toEqual([code, null]);
    expect(said.out).toBe(`listener ${code}\n`);
    expect(said.err.match(/Error: uncaught\n {4}at /g)?.length ?? 0).toBe(code === 1 ? 1 : 0);
  });
});
