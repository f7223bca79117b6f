import { expect, it } from 'vitest';
import { mountsAt, parseMountInfo } from '../../src/base/mount-info.js';

const TABLE = [
  '22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw',
  '36 22 0:40 / /run/user/1000/a\\040b\\134c rw,nosuid - fuse.pool-ts pool-ts-12-1 rw,user_id=1000',
  '37 36 0:41 / /run/user/1000/a\\040b\\134c rw master:3 propagate_from:2 - fuse.pool-ts pool-ts-13-1 rw',
  Buffer.from('38 22 0:42 / /mnt/ü rw - tmpfs none rw').toString('latin1'),
  'not a line of mountinfo',
  '',
].join('\n');

it('reads path, type and source, with octal escapes and optional fields', () => {
  expect(parseMountInfo(TABLE)).toEqual([
    { path: '/', type: 'ext4', source: '/dev/root' },
    { path: '/run/user/1000/a b\\c', type: 'fuse.pool-ts', source: 'pool-ts-12-1' },
    { path: '/run/user/1000/a b\\c', type: 'fuse.pool-ts', source: 'pool-ts-13-1' },
    { path: '/mnt/ü', type: 'tmpfs', source: 'none' },
  ]);
});

it('gives what is mounted at a path, the topmost last', () => {
  expect(mountsAt('/run/user/1000/a b\\c', () => TABLE).map((mount) => mount.source)).toEqual([
    'pool-ts-12-1',
    'pool-ts-13-1',
  ]);
  expect(mountsAt('/run/user/1000', () => TABLE)).toEqual([]);
});
