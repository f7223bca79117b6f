import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  keepProcFiles,
  prepareProcFolder,
  removeProcFiles,
  removeProcFolder,
} from '../../../src/pooldev/proc/proc-files.js';

const NAMES = ['journal', 'sessions', 'status', 'telemetry'];
let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'pool-proc-'));
});
afterEach(() => rmSync(place, { recursive: true }));

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((settle) => setTimeout(settle, 5));
}

describe('the texts beside a device', () => {
  it('are whole files that follow the node, and go away with their folder', async () => {
    const folder = prepareProcFolder(join(place, 'pool'), 0o440);
    let port = 0;
    const failures: Error[] = [];
    const files = keepProcFiles({
      ...{ folder: folder.path, mode: 0o440, failed: (error) => failures.push(error) },
      state: () => ({ listening: port > 0, port, rows: [] }),
    });
    const status = () => readFileSync(join(folder.path, 'status'), 'utf8');
    await until(() => NAMES.every((name) => existsSync(join(folder.path, name))));
    expect(status()).toContain('Status: idle\n');
    expect(statSync(join(folder.path, 'sessions')).mode & 0o777).toBe(0o440);
    const journal = statSync(join(folder.path, 'journal')).ino;
    port = 77;
    await until(() => status().includes('Listen port: 77\n'));
    // What has not changed was not written again.
    expect(statSync(join(folder.path, 'journal')).ino).toBe(journal);
    expect(readdirSync(folder.path).sort()).toEqual(NAMES);
    rmSync(join(folder.path, 'journal'));
    await until(() => existsSync(join(folder.path, 'journal')));
    files.stop();
    removeProcFolder(folder);
    expect(readdirSync(folder.path).sort()).toEqual(NAMES);
    removeProcFiles(folder);
    removeProcFolder(folder);
    expect([existsSync(folder.path), failures]).toEqual([false, []]);
  });

  it('stay out of the way of what is somebody else’s', () => {
    writeFileSync(join(place, 'status'), 'not a device’s');
    expect(() => prepareProcFolder(place, 0o400)).toThrow(expect.objectContaining({ code: 'EEXIST' }) as Error);
    removeProcFiles({ path: place, made: true });
    removeProcFolder({ path: place, made: true });
    expect(readFileSync(join(place, 'status'), 'utf8')).toBe('not a device’s');
    expect(() => prepareProcFolder(join(place, 'status', 'below'), 0o400)).toThrow(
      expect.objectContaining({ code: 'ENOTDIR' }) as Error,
    );
    expect(() => prepareProcFolder(join(place, 'none', 'below'), 0o400)).toThrow(
      expect.objectContaining({ code: 'ENOENT' }) as Error,
    );
  });

  it('take over what a killed server left, and leave a folder that was there', () => {
    mkdirSync(join(place, 'pool'));
    writeFileSync(join(place, 'pool', 'status'), 'POOL Protocol v1\nStatus: listening\n');
    const folder = prepareProcFolder(join(place, 'pool'), 0o440);
    removeProcFiles(folder);
    removeProcFolder(folder);
    expect(readdirSync(folder.path)).toEqual([]);
  });

  it('are as readable as they are to be, whatever the umask, a temporary that was left, or a link in its place', async () => {
    const umask = process.umask(0o077);
    try {
      const folder = prepareProcFolder(join(place, 'pool'), 0o644);
      expect(statSync(folder.path).mode & 0o777).toBe(0o755);
      const elsewhere = join(place, 'elsewhere');
      writeFileSync(elsewhere, 'somebody’s');
      writeFileSync(join(folder.path, '.sessions.pool-ts'), 'left', { mode: 0o400 });
      symlinkSync(elsewhere, join(folder.path, '.status.pool-ts'));
      const failures: Error[] = [];
      const files = keepProcFiles({
        ...{ folder: folder.path, mode: 0o444, failed: (error) => failures.push(error) },
        state: () => ({ listening: false, port: 0, rows: [] }),
      });
      await until(() => failures.length > 0 || NAMES.every((name) => existsSync(join(folder.path, name))));
      files.stop();
      expect(failures).toEqual([]);
      for (const name of NAMES) {
        const text = lstatSync(join(folder.path, name));
        expect([text.isFile(), text.mode & 0o777]).toEqual([true, 0o444]);
      }
      expect(readFileSync(elsewhere, 'utf8')).toBe('somebody’s');
      expect(readdirSync(folder.path).sort()).toEqual(NAMES);
    } finally {
      process.umask(umask);
    }
  });

  it('say once that they can’t be written', async () => {
    const failures: Error[] = [];
    const files = keepProcFiles({
      ...{ folder: join(place, 'gone'), mode: 0o400, failed: (error) => failures.push(error) },
      state: () => ({ listening: false, port: 0, rows: [] }),
    });
    await until(() => failures.length > 0);
    files.stop();
    expect(failures).toMatchObject([{ code: 'ENOENT' }]);
  });
});
