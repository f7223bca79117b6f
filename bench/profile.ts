/** Where the time goes: V8's CPU profiles of sender and receiver, self time by category. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface ProfileNode {
  id: number;
  callFrame: { functionName: string; url: string };
  children?: number[];
}

interface CpuProfile {
  nodes: ProfileNode[];
  samples: number[];
  timeDeltas: number[];
}

const PEER = fileURLToPath(new URL('./peer.ts', import.meta.url));

/** Runs one transfer of POOL, or its round trips, between two profiled processes and returns the report of each. */
export async function profile(role: 'bulk' | 'trips' | 'flight', size: number, messages: number): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'pool-ts-profile-'));
  try {
    const execArgv = (who: string) => ['--import', 'tsx', '--cpu-prof', '--cpu-prof-dir', join(folder, who)];
    const receiver = fork(PEER, ['serve', 'pool'], { execArgv: execArgv('receiver') });
    const [port] = (await once(receiver, 'message')) as [number];
    const args = [role, 'pool', String(port), String(size), String(messages)];
    const sender = fork(PEER, args, { execArgv: execArgv('sender') });
    await once(sender, 'exit');
    receiver.kill('SIGTERM');
    await once(receiver, 'exit');
    return ['sender', 'receiver'].map((who) => summary(who, readProfile(join(folder, who)))).join('\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The main thread's profile: tsx's loader has one of its own. The file name is CPU.date.time.pid.thread.number. */
function readProfile(folder: string): CpuProfile {
  const file = readdirSync(folder).find((name) => name.split('.')[4] === '0');
  if (file === undefined) throw new Error(`no profile of a main thread in ${folder}`);
  return JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile;
}

function category({ functionName, url }: ProfileNode['callFrame']): string | null {
  if (functionName === '(idle)') return 'idle';
  if (functionName === '(garbage collector)') return 'garbage collection';
  if (functionName === '(program)' || functionName === '(root)') return 'native, outside JavaScript';
  if (url === '') return null; // a binding: its caller knows what for
  if (/node:(internal\/)?crypto/.test(url)) return 'crypto';
  if (/node:(internal\/)?(net|stream|tty)/.test(url)) return 'net and streams';
  if (url.startsWith('node:')) return 'the rest of Node';
  if (/node_modules/.test(url)) return 'tools';
  return /bench/.test(url) ? 'the benchmark' : 'pool-ts';
}

function summary(who: string, { nodes, samples, timeDeltas }: CpuProfile): string {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parent = new Map(nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node.id] as const)));
  const named = (id: number): string => {
    const node = byId.get(id);
    const own = node && category(node.callFrame);
    if (own) return own;
    const above = parent.get(id);
    return above === undefined ? 'native, outside JavaScript' : named(above);
  };
  const categories = new Map<string, number>();
  const functions = new Map<string, number>();
  samples.forEach((id, index) => {
    const spent = timeDeltas[index] ?? 0;
    const kind = named(id);
    categories.set(kind, (categories.get(kind) ?? 0) + spent);
    if (kind === 'idle') return;
    const { functionName = '', url = '' } = byId.get(id)?.callFrame ?? {};
    const label = `${functionName || '(anonymous)'} ${url.split('/').slice(-2).join('/')}`.trim();
    functions.set(label, (functions.get(label) ?? 0) + spent);
  });
  const busy = [...categories].reduce((total, [kind, spent]) => (kind === 'idle' ? total : total + spent), 0);
  const lines = (entries: Map<string, number>, most: number) =>
    [...entries]
      .filter(([label]) => label !== 'idle')
      .sort(([, a], [, b]) => b - a)
      .slice(0, most)
      .map(([label, spent]) => `  ${((100 * spent) / busy).toFixed(1).padStart(5)} %  ${label}`);
  const ms = (busy / 1000).toFixed(0);
  return [
    `${who}: ${ms} ms busy`,
    ...lines(categories, 8),
    '  of which the functions',
    ...lines(functions, 10),
    '',
  ].join('\n');
}
