/** `POOL_DEVICE=/dev/pool npm run test:contract`: the contract through a device that is there, the module's included. */
import { statSync } from 'node:fs';
import { afterAll, describe } from 'vitest';
import { EXPECTATIONS, endOf } from '../../features/support/expectations.js';
import { GOOD_BEHAVIOUR, MODULE_BEHAVIOUR } from '../../src/testing/module-differences.js';
import { closeKept, contractThrough } from './device-pairs.js';

const path = process.env['POOL_DEVICE'];
const { ground } = endOf('client', { ...process.env, POOL_BACKEND: 'kernel' });

describe.skipIf(path === undefined)(`the contract of a Conn: the device ${path ?? 'that POOL_DEVICE names'}`, () => {
  afterAll(closeKept);
  const good = EXPECTATIONS[ground].queuedAtClose === 'kept';
  const character = path !== undefined && statSync(path, { throwIfNoEntry: false })?.isCharacterDevice() === true;
  contractThrough({ one: () => path! }, good ? GOOD_BEHAVIOUR : MODULE_BEHAVIOUR, { module: character || !good });
});
