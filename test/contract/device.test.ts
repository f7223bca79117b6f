/**
 * `POOL_DEVICE=/dev/pool npm run test:contract`: the contract through a device that is there, the module's included.
 * `POOL_CONTRACT_PART=2/12` runs one part of twelve: on the module each session whose peer ends first, and each with both ends
 * on it, takes a slot for good (docs/kernel-contract.md, hazard 2), and a boot has 64.
 */
import { statSync } from 'node:fs';
import { afterAll, describe } from 'vitest';
import { EXPECTATIONS, endOf } from '../../features/support/expectations.js';
import { GOOD_BEHAVIOUR, MODULE_BEHAVIOUR } from '../../src/testing/module-differences.js';
import { closeKept, contractThrough, parsePart } from './device-pairs.js';

const path = process.env['POOL_DEVICE'];
const { ground } = endOf('client', { ...process.env, POOL_BACKEND: 'kernel' });

describe.skipIf(path === undefined)(`the contract of a Conn: the device ${path ?? 'that POOL_DEVICE names'}`, () => {
  afterAll(closeKept);
  const good = EXPECTATIONS[ground].queuedAtClose === 'kept';
  const character = path !== undefined && statSync(path, { throwIfNoEntry: false })?.isCharacterDevice() === true;
  const behaviour = good ? GOOD_BEHAVIOUR : MODULE_BEHAVIOUR;
  contractThrough({ one: () => path! }, behaviour, {
    module: character || !good,
    // A served device that imitates the module holds them back all the same.
    holdsBack: !character || behaviour.unreadMessages === 'hold the peer back',
    part: parsePart(process.env['POOL_CONTRACT_PART']),
  });
});
