/** Two programs in C exchange messages on a device on which others do what they should not: nobody else is to notice. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findFreePort } from '../../src/pool/kernel/accepting/listen-port.js';
import { Device } from '../../src/poolioc/index.js';
import { fuse, note, program, requirement, type Requirement } from '../require.js';
import { compilePrograms, type CPrograms } from './c-programs.js';
import { until } from './processes.js';
import { type Served, serveDevice } from './served.js';

const missing = fuse().missing || program('cc', 'cc').missing;

/** The number of process_vm_readv, through which a device reads what a program sends. */
const READV = process.arch === 'arm64' ? 270 : 310;
/** Calls of one process that may wait. */
const QUOTA = 1024;
const RECEIVERS = 5000;
const SENDERS = 40;

interface Hostile {
  pid: number;
  /** What it printed last. */
  counts: Record<'created' | 'parked' | 'refused' | 'sent' | 'tortures' | 'bad', number>;
}

describe.skipIf(missing)('hostile programs on a device', () => {
  let programs: CPrograms;
  const served: Served[] = [];
  const children: ReturnType<typeof spawn>[] = [];

  beforeAll(() => {
    programs = compilePrograms('hostile', 'honest');
  });
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    for (const device of served) await device.stop();
    programs.remove();
  });

  function start(name: string, ...args: (string | number)[]) {
    const child = spawn(programs.path(name), args.map(String), { stdio: ['pipe', 'pipe', 'inherit'] });
    children.push(child);
    const lines: string[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
    const ended = once(child, 'close').then(([code]) => code as number | null);
    return { child, lines, ended };
  }

  function startHostile(device: string, port: number, receivers: number, senders: number, seed: number): Hostile {
    const { child, lines } = start('hostile', device, port, receivers, senders, seed);
    return {
      pid: child.pid!,
      get counts() {
        const last = lines.at(-1) ?? '';
        if (last.startsWith('failed')) throw new Error(`${last} (seed ${seed})`);
        const counts = [...last.matchAll(/(\w+)=(\d+)/g)].map(([, key, count]) => [key, Number(count)]);
        return {
          created: 0,
          parked: 0,
          refused: 0,
          sent: 0,
          tortures: 0,
          bad: 0,
          ...Object.fromEntries(counts),
        } as Hostile['counts'];
      },
    };
  }

  it.each([{ strictModule: false }, { strictModule: true }])(
    'hold up nobody else, strictModule $strictModule',
    { timeout: 300_000 },
    async ({ strictModule }) => {
      const device = await serveDevice({ strictModule });
      served.push(device);
      const control = await Device.open(device.path);
      const port = await findFreePort();
      await control.listen(port);
      const seed = Math.floor(Math.random() * 2 ** 31);
      console.log(`seed ${seed}`);

      const alone = start('honest', device.path, port);
      await until(() => alone.lines.length >= 20);
      alone.child.stdin.end();
      expect(await alone.ended, alone.lines.at(-1)).toBe(0);

      const senders = stuckMemory(programs.path('hostile')).missing ? 0 : SENDERS;
      const hostiles = [startHostile(device.path, port, RECEIVERS, senders, seed)];
      if (senders > 0)
        for (const more of [1, 2]) hostiles.push(startHostile(device.path, port, 0, senders, seed + more));
      const pair = start('honest', device.path, port);
      const trips = () => (pair.lines.length - 1) * 10;

      const most = new Map<number, number>();
      let [before, hung, whileStuck] = [0, false, 0];
      const look = (): boolean => {
        if (pair.child.exitCode !== null) throw new Error(`the honest pair ended: ${pair.lines.at(-1)}`);
        const stuck = copiesFrom(device.pid);
        for (const [pid, count] of stuck) most.set(pid, Math.max(count, most.get(pid) ?? 0));
        // Both times: what was exchanged meanwhile was exchanged beside copies that hang.
        if (hung && stuck.size > 0) whileStuck += trips() - before;
        [before, hung] = [trips(), stuck.size > 0];
        const [first, ...others] = hostiles.map(({ counts }) => counts);
        return (
          first!.created > 0 &&
          first!.parked >= first!.created - QUOTA &&
          first!.tortures >= 1000 &&
          trips() >= 500 &&
          (senders === 0 || (whileStuck >= 200 && [first!, ...others].every(({ refused }) => refused >= 3)))
        );
      };
      await until(look);
      pair.child.stdin.end();
      expect(await pair.ended, pair.lines.at(-1)).toBe(0);

      // A quarter of the threads that copy, which are four.
      for (const { pid } of hostiles) expect(most.get(pid) ?? 0).toBeLessThanOrEqual(1);
      for (const { counts } of hostiles) expect(counts.bad, `bad calls that were taken, seed ${seed}`).toBe(0);
      note(
        `hostile programs, strictModule ${strictModule}: honest pair alone ${alone.lines.at(-1)}; beside them ${pair.lines.at(-1)}; ` +
          `${whileStuck} round trips while copies hung; ${JSON.stringify(hostiles.map(({ counts }) => counts))}`,
      );

      for (const child of children) child.kill('SIGKILL');
      await until(() => copiesFrom(device.pid).size === 0);
      for (const { index } of await control.sessions()) await control.closeSession(index);
      expect(await control.sessions()).toEqual([]);
      await control.stop();
      await control.close();
    },
  );

  it('do not keep the device from ending while a copy hangs in their memory', async () => {
    if (stuckMemory(programs.path('hostile')).missing) return;
    const device = await serveDevice();
    served.push(device);
    const control = await Device.open(device.path);
    const port = await findFreePort();
    await control.listen(port);
    await control.close();
    const hostile = start('hostile', device.path, port, 0, 4, 1);
    const hangs = () => copiesFrom(device.pid).size > 0;
    await until(hangs);
    // So nobody fills its memory any more; what hung until now may have been let go.
    hostile.child.kill('SIGSTOP');
    await until(hangs);
    await device.stop();
    expect(await device.ended).toBe(0);
    expect(readFileSync('/proc/mounts', 'latin1')).not.toContain(device.path);
    hostile.child.kill('SIGKILL');
    await hostile.ended;
  });
});

/** How many threads of a server are in the memory of each other process. */
function copiesFrom(server: number): Map<number, number> {
  const counts = new Map<number, number>();
  for (const task of readdirSync(`/proc/${server}/task`)) {
    const [number, pid] = syscallOf(server, task).split(' ');
    if (Number(number) !== READV) continue;
    counts.set(threadGroup(Number(pid)), (counts.get(threadGroup(Number(pid))) ?? 0) + 1);
  }
  return counts;
}

function syscallOf(server: number, task: string): string {
  try {
    return readFileSync(`/proc/${server}/task/${task}/syscall`, 'utf8');
  } catch {
    return ''; // it ended meanwhile
  }
}

/** A SEND's caller is known to the device by its thread. */
function threadGroup(thread: number): number {
  try {
    return Number(/^Tgid:\s*(\d+)$/m.exec(readFileSync(`/proc/${thread}/status`, 'utf8'))?.[1] ?? thread);
  } catch {
    return thread;
  }
}

/** userfaultfd with faults of the kernel's, which needs CAP_SYS_PTRACE, or the sysctl vm.unprivileged_userfaultfd. */
function stuckMemory(hostile: string): Requirement {
  return requirement('userfaultfd', () => {
    const { stdout } = spawnSync(hostile, ['--probe'], { encoding: 'utf8' });
    return stdout.startsWith('ok') ? null : `memory that hangs can't be had: ${stdout.trim()}`;
  });
}
