import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { findWorkerFile } from '../../src/pooldev/worker-file.js';

it("finds the worker's file, takes one that is named, and says what to do where there is none", () => {
  const file = pathToFileURL(import.meta.filename);
  expect(findWorkerFile(file)).toBe(import.meta.filename);
  expect(findWorkerFile(import.meta.filename)).toBe(import.meta.filename);
  expect(findWorkerFile(file.href)).toBe(import.meta.filename);
  expect(() => findWorkerFile('/nowhere/worker.js')).toThrow(
    expect.objectContaining({ code: 'ENOENT', message: expect.stringContaining('/nowhere/worker.js') as string }),
  );
  expect(() => findWorkerFile(undefined, { base: 'file:///nowhere/bundle.cjs', program: [] })).toThrow(
    expect.objectContaining({ code: 'ENOENT', message: expect.stringContaining('pool-ts as external') as string }),
  );
});
