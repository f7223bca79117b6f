/**
 * `npx tsx bench/idle.ts [--strict] [--sessions n] [--seconds n] [--device path]`: what a listening process costs while
 * nothing happens, and how soon it has a session. The process listens on a served device (or on one that is named); its CPU
 * time, user and system of all of its threads, is read before and after; then sessions are dialled to it one after the other
 * by the user backend.
 *
 * Goals on a served device, to be read from the output and not asserted: at most 0.3 % of a CPU without sessions and 1 % with
 * 20; a session within 5 ms (the median) of the moment in which its dial was established.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Conn, dial, listen } from 'pool-ts';
import { PoolDevice } from 'pool-ts/pooldev';

/** What the listening process tells: its port, µs of CPU, or when it had a session (ns of CLOCK_MONOTONIC). */
interface Told {
  port?: number;
  cpu?: number;
  at?: string;
}

/** The listening process. */
async function listening(): Promise<void> {
  const listener = await listen(':0', { backend: 'kernel' });
  const tell = (told: Told): void => void process.send!(told);
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    tell({ cpu: user + system });
  });
  tell({ port: listener.addr.port });
  const held: Conn[] = [];
  for await (const conn of listener) {
    tell({ at: String(process.hrtime.bigint()) });
    held.push(conn);
    void conn.readMessage().catch(() => null);
  }
}

async function ask<K extends keyof Told>(child: ChildProcess, key: K, order = false): Promise<NonNullable<Told[K]>> {
  if (order) child.send('cpu');
  const [told] = (await once(child, 'message')) as [Told];
  return told[key]!;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      strict: { type: 'boolean', default: false },
      sessions: { type: 'string', default: '20' },
      seconds: { type: 'string', default: '30' },
      device: { type: 'string' },
    },
  });
  const seconds = Number(values.seconds);
  const folder = mkdtempSync(join(tmpdir(), 'pool-ts-idle-'));
  const path = values.device ?? join(folder, 'pool');
  const device = values.device === undefined ? await PoolDevice.serve(path, { strictModule: values.strict }) : null;
  const child = fork(fileURLToPath(import.meta.url), ['listening'], {
    execArgv: process.execArgv,
    env: { ...process.env, POOL_DEVICE: path },
  });
  try {
    const port = await ask(child, 'port');
    const cost = async (what: string): Promise<void> => {
      // What the last change set going comes to rest first, and threads that were idle for 10 s end.
      await new Promise((resolve) => setTimeout(resolve, 12_000));
      const before = await ask(child, 'cpu', true);
      const began = performance.now();
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
      const used = (await ask(child, 'cpu', true)) - before;
      const percent = (used / 10 / (performance.now() - began)).toFixed(2);
      console.log(`${what}: ${percent} % of a CPU over ${seconds} s`);
    };
    await cost('no session');
    const delays: number[] = [];
    const conns: Conn[] = [];
    for (let n = Number(values.sessions); n > 0; n -= 1) {
      const accepted = ask(child, 'at');
      conns.push(await dial(`127.0.0.1:${port}`, { backend: 'user' }));
      const established = process.hrtime.bigint();
      delays.push(Number(BigInt(await accepted) - established) / 1e6);
      // Not in step with anything that looks every so many ms.
      await new Promise((resolve) => setTimeout(resolve, 200 + 300 * Math.random()));
    }
    delays.sort((a, b) => a - b);
    const shown = [delays[delays.length >> 1], delays.at(-1)].map((ms) => ms?.toFixed(1));
    console.log(`accepted after a dial: median ${shown[0]} ms, at most ${shown[1]} ms (${delays.length} dials)`);
    await cost(`${conns.length} sessions`);
    await Promise.all(conns.map((conn) => conn.close()));
  } finally {
    child.kill();
    await once(child, 'exit');
    await device?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[2] === 'listening') await listening();
else await main();
