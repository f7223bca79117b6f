import { describe, expect, it } from 'vitest';
import { findKernelThread, type ProcFiles } from '../../../src/poolioc/index.js';

/** A /proc of these files; without `children` every folder has to be looked at. */
function proc(files: Record<string, string>): ProcFiles {
  return {
    read: (path) => files[path] ?? null,
    list: () => [...new Set(Object.keys(files).map((path) => path.split('/')[0]!)), 'self'],
  };
}

const kthreadd = { '2/comm': 'kthreadd\n' };

describe('looking for a kernel thread', () => {
  it('finds a living child of kthreadd by its name', () => {
    const files = { ...kthreadd, '70/stat': '70 (pool_rx_1) S 2 0', '71/stat': '71 (pool_rx_10) S 2 0' };
    expect(findKernelThread('pool_rx_10', proc(files))).toEqual({ pid: 71, name: 'pool_rx_10' });
    const listed = { ...files, '2/task/2/children': '70 71 ' };
    expect(findKernelThread('pool_rx_1', proc(listed))).toEqual({ pid: 70, name: 'pool_rx_1' });
  });

  it.each([
    ['a program of that name', '70 (pool_rx_1) S 1 0'],
    ['a dead thread', '70 (pool_rx_1) Z 2 0'],
    ['another thread', '70 (pool_rx_2) S 2 0'],
  ])('does not take %s for it', (_, stat) => {
    expect(findKernelThread('pool_rx_1', proc({ ...kthreadd, '70/stat': stat }))).toBeNull();
  });

  it('knows nothing where kernel threads are hidden', () => {
    expect(findKernelThread('pool_rx_1', proc({ '2/comm': 'bash', '70/stat': '70 (x) S 2 0' }))).toBeUndefined();
    expect(findKernelThread('pool_rx_1', proc({}))).toBeUndefined();
  });
});
