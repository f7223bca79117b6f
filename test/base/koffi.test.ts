import { expect, it } from 'vitest';
import { loadKoffi } from '../../src/base/koffi.js';

it('says what to do where koffi is not there', async () => {
  const cause = new Error('no such package');
  const loading = loadKoffi(() => Promise.reject(cause));
  await expect(loading).rejects.toMatchObject({ code: 'ENOTSUP', cause });
  await expect(loading).rejects.toThrow(/^koffi.*mark koffi as external/);
});
