import { afterAll, beforeAll, describe } from 'vitest';
import { MODULE_BEHAVIOUR } from '../../src/testing/module-differences.js';
import { contractThrough } from '../contract/device-pairs.js';
import { fuse } from '../require.js';
import { type Served, serveDevice } from './served.js';

const strict = { strictModule: true };

describe.skipIf(fuse().missing)('the contract of a Conn through devices that behave as the module', () => {
  let devices: Served[] = [];
  beforeAll(async () => {
    devices = await Promise.all([serveDevice(strict), serveDevice(strict)]);
  });
  afterAll(async () => {
    await Promise.all(devices.map((device) => device.stop()));
  });
  // As on the module, a program has no way to end a session without CLOSE.
  contractThrough({ one: () => devices[0]!.path, other: () => devices[1]!.path }, MODULE_BEHAVIOUR, { module: true });
});
