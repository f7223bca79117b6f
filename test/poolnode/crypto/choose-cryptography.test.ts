import { describe, expect, it } from 'vitest';
import {
  chooseCryptography,
  type CryptographyLoaders,
  loadCryptography,
} from '../../../src/poolnode/crypto/cryptography.js';
import type { CryptoKind } from '../../../src/poolnode/types.js';
import { CRYPTOGRAPHIES } from './cryptographies.js';

const KINDS: readonly CryptoKind[] = ['openssl', 'node', 'portable'];

/** Loaders of which those of `missing` fail, and a note of which were asked. */
function loaders(...missing: CryptoKind[]): { loaders: CryptographyLoaders; asked: CryptoKind[] } {
  const asked: CryptoKind[] = [];
  const entries = CRYPTOGRAPHIES.map((one) => [
    one.kind,
    async () => {
      asked.push(one.kind);
      if (missing.includes(one.kind)) throw new Error(`no ${one.kind} here`);
      return one;
    },
  ]);
  return { loaders: Object.fromEntries(entries) as CryptographyLoaders, asked };
}

describe('the choice of cryptography', () => {
  it.each(KINDS.map((_, first) => [first] as const))('is the fastest that can be had: %i can not', async (first) => {
    const { loaders: some, asked } = loaders(...KINDS.slice(0, first));
    expect((await chooseCryptography(undefined, some)).kind).toBe(KINDS[first]);
    expect(asked).toEqual(KINDS.slice(0, first + 1));
  });

  it.each(KINDS)('is %s where that is forced, and nothing else is loaded', async (kind) => {
    const { loaders: all, asked } = loaders();
    expect((await chooseCryptography(kind, all)).kind).toBe(kind);
    expect(asked).toEqual([kind]);
  });

  it.each(KINDS)('fails where %s is forced and can not be had, though others can', async (kind) => {
    const { loaders: some, asked } = loaders(kind);
    await expect(chooseCryptography(kind, some)).rejects.toMatchObject({
      code: 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM',
      message: expect.stringContaining(kind) as string,
      cause: expect.objectContaining({ message: `no ${kind} here` }) as Error,
    });
    expect(asked).toEqual([kind]);
  });

  it('fails where none can be had', async () => {
    const { loaders: none } = loaders(...KINDS);
    await expect(chooseCryptography('', none)).rejects.toMatchObject({ code: 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM' });
  });

  it('passes one over that gives wrong answers', async () => {
    const { loaders: all } = loaders();
    const wrong = { ...CRYPTOGRAPHIES[0]!, keyPair: () => CRYPTOGRAPHIES[0]!.crypto.generateKeyPair() };
    const faulty = { ...all, openssl: async () => wrong };
    expect((await chooseCryptography(undefined, faulty)).kind).toBe('node');
    await expect(chooseCryptography('openssl', faulty)).rejects.toMatchObject({
      cause: expect.objectContaining({ message: expect.stringContaining('X25519') as string }) as Error,
    });
  });

  it('knows no other word', async () => {
    await expect(chooseCryptography('OpenSSL', loaders().loaders)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARG_VALUE',
    });
  });

  it('is made once', () => {
    expect(loadCryptography()).toBe(loadCryptography());
  });
});
