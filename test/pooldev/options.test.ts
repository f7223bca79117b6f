import { describe, expect, it } from 'vitest';
import {
  checkDeviceOptions,
  checkDevicePath,
  modeWarning,
  defaultDevicePath,
  type PoolDeviceOptions,
} from '../../src/pooldev/options.js';
import { PoolDevice } from '../../src/pooldev/pool-device.js';

describe('options', () => {
  it('default to a private device that listens everywhere', () => {
    expect(checkDeviceOptions({})).toEqual({
      strictModule: false,
      host: '',
      mode: 0o600,
      allowOther: false,
      proc: null,
    });
  });

  it.each([
    [{ mode: 0o1000 }, 'ERR_OUT_OF_RANGE'],
    [{ mode: -1 }, 'ERR_OUT_OF_RANGE'],
    [{ mode: 1.5 }, 'ERR_OUT_OF_RANGE'],
    [{ mode: '600' }, 'ERR_INVALID_ARG_TYPE'],
    [{ host: 'localhost' }, 'ERR_POOL_INVALID_ADDRESS'],
    [{ host: 1 }, 'ERR_INVALID_ARG_TYPE'],
    [{ strictModule: 'yes' }, 'ERR_INVALID_ARG_TYPE'],
    [{ allowOther: 1 }, 'ERR_INVALID_ARG_TYPE'],
  ])('%j is refused before anything is mounted', async (options, code) => {
    await expect(PoolDevice.serve('/nowhere/pool', options as PoolDeviceOptions)).rejects.toMatchObject({ code });
  });

  it('path is a name', () => {
    for (const path of ['', 'a\0b'])
      expect(() => checkDevicePath(path)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }));
    expect(() => checkDevicePath(7)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
  });

  it('the path defaults by user', () => {
    expect(defaultDevicePath(0, '/run/user/0')).toBe('/dev/pool');
    expect(defaultDevicePath(1000, '/run/user/1000')).toBe('/run/user/1000/pool');
    expect(() => defaultDevicePath(1000, '')).toThrow('XDG_RUNTIME_DIR');
    expect(() => defaultDevicePath(1000, 'run')).toThrow('XDG_RUNTIME_DIR');
  });
});

describe('modeWarning', () => {
  it.each([
    [0o600, false, false],
    [0o700, false, false],
    [0o666, true, false],
    [0o666, false, true],
    [0o640, false, true],
    [0o604, false, true],
  ])('mode %o, others let in %s', (mode, allowOther, warns) => {
    const warning = modeWarning({ mode, allowOther });
    if (warns) expect(warning).toMatch(new RegExp(`^mode ${mode.toString(8)} .*--allow-other`));
    else expect(warning).toBeNull();
  });
});
