import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { structs } from '../../../src/poolioc/index.js';
import { givenLayouts, layoutsToGive } from '../../../src/poolioc/abi/given-layouts.js';
import { bundle } from '../bundle.js';

/** What a thread that is started with `workerData` says. */
function said(code: string, workerData: unknown): Promise<unknown> {
  return new Promise((done, failed) => {
    const worker = new Worker(code, { eval: true, workerData });
    worker.once('message', (message) => void worker.terminate().then(() => done(message)));
    worker.once('error', failed);
  });
}

const { href } = await bundle('src/poolioc/index.ts');
const SAYS_LAYOUTS = `
  const { parentPort } = require('node:worker_threads');
  import(${JSON.stringify(href)}).then(({ structs, offsetsOf }) => {
    const made = Object.keys(require.cache).some((file) => file.includes('ref-struct-di'));
    parentPort.postMessage({ made, size: structs.SessionInfo.size, offsets: offsetsOf(structs.SendReq) });
  });
`;

describe('the layouts of a thread', () => {
  it('are the main thread’s sizes and offsets, and nothing is loaded to make them', async () => {
    expect(await said(SAYS_LAYOUTS, layoutsToGive(structs))).toEqual({
      made: false,
      size: 120,
      offsets: { sessionIdx: 0, channel: 4, flags: 5, reserved: 6, len: 8, dataPtr: 16 },
    });
  });

  it('are made where a program starts a thread of its own', async () => {
    for (const data of [undefined, null, 7, { layouts: 1 }]) {
      expect(await said(SAYS_LAYOUTS, data)).toMatchObject({ made: true, size: 120 });
    }
  });

  it('hold all of each struct', () => {
    const [facts] = Object.values(layoutsToGive(structs));
    expect(Object.keys(facts!)).toEqual(Object.keys(structs));
    for (const [name, layout] of Object.entries(structs)) {
      const { size, alignment, fields } = facts![name]!;
      expect([size, alignment]).toEqual([layout.size, layout.alignment]);
      expect(Object.keys(fields)).toEqual(Object.keys(layout.fields));
    }
  });

  it('are given to no main thread', () => {
    expect(givenLayouts()).toBeNull();
  });
});
