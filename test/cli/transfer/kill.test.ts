/** A file goes from one process to another, through three kills in the middle, and shows its progress on a terminal. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { killAll, ROOT, type Running, start } from '../../programs/run.js';
import { seeded } from '../../poolnode/protocol/seeded.js';
import { program } from '../../require.js';
import { digestOf, makeSample } from './sample-file.js';

const CLI = join(ROOT, 'src/cli/main.ts');
const BYTES = Number(process.env['POOL_TEST_TRANSFER_BYTES'] ?? 64_000_000);
/** Who is killed: each side once, and both at once. */
const VICTIMS = [['sender'], ['receiver'], ['sender', 'receiver']] as const;

const pty = program('pty', 'script', ['-qec', 'true', '/dev/null']);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pool-transfer-'));
  mkdirSync(join(folder, 'in'));
});
afterEach(async () => {
  await killAll();
  rmSync(folder, { recursive: true, force: true });
});

/** Its address is in the line that it prints first. */
async function receiver(): Promise<{ running: Running; address: string }> {
  const running = start([CLI, 'receive', join(folder, 'in'), '--listen', '127.0.0.1:0']);
  for (;;) {
    const address = /listening on (\S+),/.exec(running.output.stderr)?.[1];
    if (address !== undefined) return { running, address };
    await once(running.child.stderr, 'data');
  }
}

/** Waits until `path` has so many bytes; gives how many it has. */
async function grown(path: string, bytes: number, sender: Running): Promise<number> {
  for (;;) {
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    if (size >= bytes) return size;
    if (sender.child.exitCode !== null) throw new Error(`the sender ended before: ${sender.output.stderr}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

async function kill(running: Running): Promise<void> {
  running.child.kill('SIGKILL');
  expect(await running.ended).toBe('SIGKILL');
}

describe.skipIf(pty.missing)('a transfer that is killed three times', () => {
  it('goes on each time from where it was, and arrives whole', { timeout: 600_000 }, async () => {
    const random = seeded('transfer with kills');
    console.info(`${BYTES} bytes, POOL_TEST_TRANSFER_BYTES for more`);
    const [source, part, final] = ['big.bin', 'in/.big.bin.pool-part', 'in/big.bin'].map((name) =>
      join(folder, name),
    ) as [string, string, string];
    makeSample(source, BYTES, random);

    let at = await receiver();
    let before = 0;
    for (const [round, victims] of VICTIMS.entries()) {
      // Within the next fifth or so: it has to be in the middle, and to move on.
      const point = Math.floor(BYTES * (0.05 + 0.2 * round)) + random.int(Math.floor(BYTES * 0.15));
      const sender = start([CLI, 'send', source, at.address]);
      const seen = await grown(part, Math.max(point, before + 1), sender);
      await Promise.all(victims.map((victim) => kill(victim === 'sender' ? sender : at.running)));
      if (!(victims as readonly string[]).includes('sender')) {
        expect(await sender.ended).toBe(1);
        expect(sender.output.stderr).toMatch(/big\.bin: .*the receiver has .* the same command goes on from there\n$/);
      }
      if ((victims as readonly string[]).includes('receiver')) at = await receiver();
      else await lost(at.running);
      const kept = statSync(part).size;
      console.info(`killed ${victims.join(' and ')} at ${seen} bytes, ${kept} kept`);
      expect(kept).toBeGreaterThanOrEqual(seen);
      expect(kept).toBeLessThan(BYTES);
      expect(existsSync(final)).toBe(false);
      before = kept;
    }

    const captured = await onTerminal(
      `exec ${[process.execPath, ...loader(), CLI, 'send', source, at.address].join(' ')}`,
    );
    expect(captured.code).toBe(0);
    const pictures = captured.text.split('\r\n').filter((line) => line.includes('big.bin') && line.includes('%'));
    const lines = pictures.map((line) => line.replace(/\x1b\[[\d;?]*[A-Za-z]/g, ''));
    console.info(`${lines.length} pictures, as ${lines.at(-1)!.trim()}`);
    expect(
      lines.some((line) =>
        /^big\.bin +\d+% \[=*>? *\] +[\d.]+ MB \/ [\d.]+ [MG]B +\S+ [kMG]?B\/s +ETA \S+$/.test(line),
      ),
    ).toBe(true);
    for (const line of lines) expect(line.length).toBeLessThan(80);
    expect(captured.text).toMatch(/sent big\.bin: .*resumed at .*SHA-256 [0-9a-f]{64}\r\n/);

    expect(await digestOf(final)).toBe(await digestOf(source));
    expect(statSync(final).mtimeMs).toBeCloseTo(statSync(source).mtimeMs, 0);
    expect(readdirSync(join(folder, 'in'))).toEqual(['big.bin']);
    at.running.child.kill('SIGINT');
    expect(await at.running.ended).toBe(130);
  });
});

/** The receiver has noticed that its sender is gone, and kept what came. */
async function lost(running: Running): Promise<void> {
  while (!/are kept to go on from/.test(running.output.stderr)) await once(running.child.stderr, 'data');
}

const loader = (): string[] => ['--import', join(ROOT, 'node_modules/tsx/dist/loader.mjs')];

/** Runs a command on a pseudo-terminal of 80 columns; gives all that it showed. */
async function onTerminal(command: string): Promise<{ code: number; text: string }> {
  const child = spawn('script', ['-qec', `stty cols 80 rows 24; ${command}`, '/dev/null'], {
    env: { ...process.env, NODE_OPTIONS: '', POOL_BACKEND: 'user', NODE_NO_WARNINGS: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const [code] = (await once(child, 'close')) as [number];
  return { code, text };
}
