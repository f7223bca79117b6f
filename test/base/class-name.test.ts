import { expect, it } from 'vitest';
import { keepName } from '../../src/base/class-name.js';

it('gives a class the name that it is known by, and no name that can be listed', () => {
  const Renamed = class _Renamed {
    static {
      keepName(this, 'Renamed');
    }
  };
  expect(Renamed.name).toBe('Renamed');
  expect(Object.keys(Renamed)).toEqual([]);
});
