import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { findServerFile } from '../../src/pooldev/worker-file.js';

it("finds the worker's file, takes one that is named, and says what to do where there is none", () => {
  const file = pathToFileURL(import.meta.filename);
  expect(findServerFile(file)).toBe(import.meta.filename);
  expect(findServerFile(import.meta.filename)).toBe(import.meta.filename);
  expect(findServerFile(file.href)).toBe(import.meta.filename);
  expect(() => findServerFile('/nowhere/worker.js')).toThrow(
    expect.objectContaining({ code: 'ENOENT', message: expect.stringContaining('/nowhere/worker.js') as string }),
  );
  expect(() => findServerFile(undefined, { base: 'file:///nowhere/bundle.cjs', program: [] })).toThrow(
    expect.objectContaining({ code: 'ENOENT', message: expect.stringContaining('pool-ts as external') as string }),
  );
});
