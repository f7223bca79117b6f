import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isAnswering } from '../../../src/pooldev/mount/answering.js';

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe.runIf(process.platform === 'linux')('a file system', () => {
  it('answers where there is an answer, whatever it is, and where nobody can be asked', async () => {
    expect(await isAnswering(tmpdir(), 30_000)).toBe(true);
    expect(await isAnswering('/nowhere', 30_000)).toBe(true);
    expect(await isAnswering(tmpdir(), 30_000, '/nowhere/stat')).toBe(true);
  });

  it('does not where who asks comes back no more, and leaves nobody behind', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pool-answering-'));
    const program = join(folder, 'stat');
    writeFileSync(program, `#!/bin/sh\necho $$ > ${folder}/pid\nexec sleep 1000\n`);
    chmodSync(program, 0o755);
    // A machine may take longer than that to start it at all.
    while (!existsSync(join(folder, 'pid'))) expect(await isAnswering(folder, 500, program)).toBe(false);
    const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'));
    while (isThere(pid)) await new Promise((settle) => setTimeout(settle, 5));
    rmSync(folder, { recursive: true });
  });
});
