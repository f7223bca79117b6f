/** A wall clock that is set an hour on or back: no deadline, no timer and no session knows of it. */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { run } from '../programs/run.js';
import { reached, timeout, tries } from '../reliability/figures.js';
import { requirement } from '../require.js';

/** libfaketime for programs with threads, where Debian and others put it. */
function library(): string | null {
  const folders = ['/usr/lib', '/usr/lib64', '/usr/local/lib'].filter(existsSync);
  const found = folders.flatMap((folder) =>
    [folder, ...readdirSync(folder).map((name) => join(folder, name))].map((at) =>
      join(at, 'faketime/libfaketimeMT.so.1'),
    ),
  );
  return found.find(existsSync) ?? null;
}

const faketime = () =>
  requirement('faketime', () => (library() === null ? 'there is no libfaketimeMT.so.1 (Debian: faketime)' : null));

describe.skipIf(process.platform !== 'linux' || faketime().missing)('a wall clock that jumps', () => {
  it('by an hour, on and back, ends nothing and makes no deadline pass', { timeout: timeout('J1') }, async () => {
    const scratch = mkdtempSync(join(tmpdir(), 'pool-ts-clock-'));
    onTestFinished(() => rmSync(scratch, { recursive: true }));
    const file = join(scratch, 'offset');
    writeFileSync(file, '+0s\n');
    const { code, stdout, stderr } = await run(['test/programs/clock-jumps.ts', String(tries('J1'))], {
      env: {
        LD_PRELOAD: library()!,
        FAKETIME_TIMESTAMP_FILE: file,
        FAKETIME_NO_CACHE: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      },
    });
    expect(JSON.parse(stdout || '{}'), stderr).toEqual({ wrong: [], by: 'remote' });
    expect(code).toBe(0);
    reached('J1', tries('J1'));
  });
});
