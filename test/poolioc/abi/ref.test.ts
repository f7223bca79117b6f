import { describe, expect, it } from 'vitest';
import { loadRef } from '../../../src/poolioc/abi/ref.js';
import { tsRef } from '../../../src/poolioc/abi/ref-types.js';

describe('loadRef', () => {
  it('takes ref-napi where it loads', () => {
    const fake = { types: {} };
    expect(loadRef(() => fake)).toEqual({ ref: fake, name: 'ref-napi' });
  });

  it('falls back to the types in TypeScript where it is missing or has no binary', () => {
    const missing = () => {
      throw Object.assign(new Error("Cannot find module 'ref-napi'"), { code: 'MODULE_NOT_FOUND' });
    };
    expect(loadRef(missing)).toEqual({ ref: tsRef, name: 'typescript' });
  });
});
