/** POOL_TEST_REQUIRE: what it names is there, or a failure. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type * as Require from './require.js';

/** What root on Debian may lack all the same. */
const UNSURE = ['netns', 'userfaultfd', 'history'];

async function requiring(names: string): Promise<typeof Require> {
  vi.stubEnv('POOL_TEST_REQUIRE', names);
  vi.resetModules();
  return import('./require.js');
}

describe('what a test needs of the machine', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
  });

  it('is a reason to skip where it is missing', async () => {
    const warned = vi.spyOn(console, 'warn').mockReturnValue();
    vi.stubEnv('POOL_TEST_SKIPS', undefined);
    const { requirement } = await requiring('cc');
    expect(requirement('zsh', () => 'there is none')).toEqual({ missing: true, reason: 'there is none' });
    expect(warned).toHaveBeenCalledExactlyOnceWith('skipped for want of zsh: there is none');
    expect(requirement('zsh', () => null)).toEqual({ missing: false, reason: '' });
  });

  it('is a failure where it is missing and named', async () => {
    const { requirement } = await requiring('cc, zsh');
    expect(() => requirement('zsh', () => 'there is none')).toThrow('POOL_TEST_REQUIRE names zsh, but there is none');
  });

  it('is named by .ci/run, but for what no package gives: the kernel, the checkout', async () => {
    const { KINDS } = await requiring('');
    const script = readFileSync(join(import.meta.dirname, '../.ci/run'), 'utf8');
    const env = { PATH: process.env['PATH'] };
    const assignments = script.split('\n').filter((line) => /^(require|export POOL_TEST_REQUIRE)=/.test(line));
    const print = `${assignments.join('\n')}\necho "$POOL_TEST_REQUIRE"`;
    const named = execFileSync('bash', ['-c', print], { encoding: 'utf8', env }).trim().split(' ');
    expect(named.toSorted()).toEqual(KINDS.filter((kind) => !UNSURE.includes(kind)).toSorted());
  });

  it('has no other names than those that tests ask for', async () => {
    await expect(requiring('cc,zhs')).rejects.toThrow(
      'POOL_TEST_REQUIRE names zhs, which no test asks for; there are fuse,',
    );
  });
});
