import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { listProcFolder, readProcFile } from '../../src/base/proc-file.js';

describe('readProcFile', () => {
  it.skipIf(process.platform !== 'linux')('gives the text of a file without a size', () => {
    expect(readProcFile('/proc/self/cmdline')).toBe(readFileSync('/proc/self/cmdline', 'latin1'));
  });

  it('gives all of a file that is longer than one read, and nothing of the one before', () => {
    const folder = mkdtempSync(join(tmpdir(), 'pool-proc-'));
    try {
      const [long, short] = [join(folder, 'long'), join(folder, 'short')];
      const text = Array.from({ length: 9000 }, (_, line) => `line ${line}\n`).join('');
      writeFileSync(long, text);
      writeFileSync(short, 'short');
      expect(readProcFile(long)).toBe(text);
      expect(readProcFile(short)).toBe('short');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('gives null for one that is not there', () => {
    expect(readProcFile('/proc/no/such/file')).toBeNull();
  });

  it('throws where a failure says nothing of what is there', () => {
    expect(() => readProcFile(tmpdir())).toThrow(expect.objectContaining({ code: 'EISDIR', syscall: 'read' }));
  });
});

describe('listProcFolder', () => {
  it('gives the names, and none for a folder that is not there', () => {
    expect(listProcFolder('/proc/self')).toContain('stat');
    expect(listProcFolder('/proc/no/such/folder')).toEqual([]);
  });

  it('throws where a failure says nothing of what is there', () => {
    const folder = mkdtempSync(join(tmpdir(), 'pool-proc-'));
    try {
      symlinkSync('loop', join(folder, 'loop'));
      expect(() => listProcFolder(join(folder, 'loop'))).toThrow(expect.objectContaining({ code: 'ELOOP' }));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
