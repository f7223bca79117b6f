/** The contract on node:crypto, which runs wherever OpenSSL can't be called directly: it has to be chosen before anything is. */
import { expect, it } from 'vitest';

process.env['POOL_CRYPTO'] = 'node';
const { userCryptography } = await import('../../src/index.js');

it('runs on node:crypto', async () => {
  expect(await userCryptography()).toBe('node');
});

await import('./user.test.js');
