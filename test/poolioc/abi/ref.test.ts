import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { loadRef } from '../../../src/poolioc/abi/ref.js';
import { type RefType, tsRef } from '../../../src/poolioc/abi/ref-types.js';
import { offsetsOf, type StructLayout, structs } from '../../../src/poolioc/abi/structs.js';
import { bundle } from '../bundle.js';

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

it('loads no native module in a thread, which could not be ended meanwhile, and has the same layouts there', async () => {
  const url = (await bundle('src/poolioc/abi/structs.ts')).href;
  const look = `
    const { parentPort } = require('node:worker_threads');
    import('${url}').then(({ refModule, offsetsOf, structs }) => {
      const native = Object.keys(require.cache).filter((file) => file.endsWith('.node'));
      const layouts = Object.entries(structs).map(([name, layout]) => [name, layout.size, offsetsOf(layout)]);
      parentPort.postMessage({ refModule, native, layouts });
    });
  `;
  const [seen] = (await once(new Worker(look, { eval: true }), 'message')) as [unknown];
  const layouts = Object.entries<StructLayout<Record<string, RefType>>>(structs as never).map(([name, layout]) => {
    return [name, layout.size, offsetsOf(layout)];
  });
  expect(seen).toEqual({ refModule: 'typescript', native: [], layouts });
});
