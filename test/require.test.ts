/** POOL_TEST_REQUIRE: what it names is there, or a failure. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type * as Require from './require.js';

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

  it('has no other names than those that tests ask for', async () => {
    await expect(requiring('cc,zhs')).rejects.toThrow(
      'POOL_TEST_REQUIRE names zhs, which no test asks for; there are fuse,',
    );
  });
});
