import { describe } from 'vitest';
import { fuse } from '../require.js';
import { featuresThrough } from './features-run.js';

describe.skipIf(fuse().missing)('the features through a device that behaves as the module', () => {
  featuresThrough('a device that behaves as the module', { strictModule: true });
});
