/** Programs that get signals while they call, on a mounted device: the kernel restarts what it would restart on the module. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PoolDevice } from '../../src/pooldev/index.js';
import { fuse, program } from '../require.js';
import { buildPooldev } from './built-worker.js';
import { Client, compileClient } from './c-client.js';
import { freePort } from './free-port.js';

const missing = fuse().missing || program('cc', 'cc').missing;
const source = fileURLToPath(new URL('fixtures/underfire.c', import.meta.url));

/** Number of the system call. */
const IOCTL = process.arch === 'x64' ? 16 : 29;

/** MB each way; the program holds 100 as well, and takes a minute for it. */
const MEGABYTES = process.env['POOL_SIGNALS_MB'] ?? '6';

describe.skipIf(missing)('a program under fire', () => {
  let folder: string;
  let built: Awaited<ReturnType<typeof buildPooldev>>;
  let device: PoolDevice;
  let underfire: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pool-signals-'));
    underfire = join(folder, 'underfire');
    execFileSync('cc', ['-Wall', '-Wextra', '-Werror', '-O1', '-pthread', '-o', underfire, source]);
    built = await buildPooldev();
    device = await PoolDevice.serve(join(folder, 'pool'), { worker: built.workerFile, host: '127.0.0.1' });
  });
  afterAll(async () => {
    await device.close();
    built.remove();
    rmSync(folder, { recursive: true });
  });

  async function moved(signal: number, restart: boolean): Promise<Record<string, number>> {
    const args = [device.path, String(await freePort()), String(signal), restart ? '1' : '0', MEGABYTES];
    const { stdout } = await promisify(execFile)(underfire, args);
    expect(stdout).toMatch(/^ok /);
    return Object.fromEntries(
      [...stdout.matchAll(/(\w+)=(\d+)/g)].map(([, name, count]) => [name ?? '', Number(count)]),
    );
  }

  it('with SA_RESTART sees no EINTR in any call, as a Go program must not', { timeout: 300_000 }, async () => {
    const counts = await moved(constants.signals.SIGURG, true);
    expect(counts['handled']).toBeGreaterThan(0);
    expect(counts).toMatchObject({ send: 0, recv: 0, other: 0 });
  });

  it('without SA_RESTART sees it from RECV, not from calls that do not wait', { timeout: 300_000 }, async () => {
    const counts = await moved(constants.signals.SIGURG, false);
    expect(counts['handled']).toBeGreaterThan(0);
    expect(counts['other']).toBe(0);
  });

  it('is stopped and goes on in the middle of a RECV, and nobody tells it', async () => {
    const compiled = compileClient();
    const [receiver, sender] = [
      await Client.open(compiled.program, device.path),
      await Client.open(compiled.program, device.path),
    ];
    const port = await freePort();
    expect(await sender.call(`listen ${port}`)).toMatchObject({ errno: 0 });
    const index = (await sender.call(`connect ::ffff:127.0.0.1 ${port} 10`)).result;
    const other = (await sender.sessions()).find((session) => session.index !== index)!.index;
    const receiving = receiver.call(`recv ${other} 0 100`);
    await until(receiver.pid, 'calling');
    receiver.signal('SIGSTOP');
    await until(receiver.pid, 'stopped');
    receiver.signal('SIGCONT');
    await until(receiver.pid, 'calling');
    expect(await sender.call(`send ${index} 0 7 1`)).toMatchObject({ errno: 0 });
    expect(await receiving).toMatchObject({ errno: 0, rest: ['7', expect.any(String), '1'] });
    for (const slot of [index, other]) await sender.call(`close ${slot}`);
    await Promise.all([sender.call('stop'), receiver.end()]);
    await sender.end();
    compiled.remove();
  });
});

/** Waits until a process has stopped, or sleeps in an ioctl (proc(5)). */
async function until(pid: number, what: 'stopped' | 'calling'): Promise<void> {
  const there = (): boolean => {
    const sleeps = !readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') T ');
    return what === 'stopped'
      ? !sleeps
      : sleeps && readFileSync(`/proc/${pid}/syscall`, 'latin1').startsWith(`${IOCTL} `);
  };
  while (!there()) await new Promise((settle) => setTimeout(settle, 2));
}
