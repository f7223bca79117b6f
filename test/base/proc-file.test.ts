import { readFileSync, writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readProcFile } from '../../src/base/proc-file.js';

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
});
