import { afterAll, beforeAll, describe } from 'vitest';
import { GOOD_BEHAVIOUR } from '../../src/testing/module-differences.js';
import { contractThrough } from '../contract/device-pairs.js';
import { fuse } from '../require.js';
import { type Served, serveDevice } from './served.js';

describe.skipIf(fuse().missing)('the contract of a Conn through served devices', () => {
  let devices: Served[] = [];
  beforeAll(async () => {
    devices = await Promise.all([serveDevice(), serveDevice()]);
  });
  afterAll(async () => {
    await Promise.all(devices.map((device) => device.stop()));
  });
  contractThrough({ one: () => devices[0]!.path, other: () => devices[1]!.path }, GOOD_BEHAVIOUR);
});
