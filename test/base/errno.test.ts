import { describe, expect, it } from 'vitest';
import { errnoName } from '../../src/base/errno.js';

describe.runIf(process.platform === 'linux')('errnoName', () => {
  it.each([
    [2, 'ENOENT'],
    [11, 'EAGAIN'],
    [25, 'ENOTTY'],
    [95, 'EOPNOTSUPP'],
    [104, 'ECONNRESET'],
    [115, 'EINPROGRESS'],
    [9999, 'errno 9999'],
  ])('%i is %s', (errno, name) => expect(errnoName(errno)).toBe(name));
});
