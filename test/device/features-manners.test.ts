import { describe } from 'vitest';
import { fuse } from '../require.js';
import { featuresThrough } from './features-run.js';

describe.skipIf(fuse().missing)('the features through a device with good manners', () => {
  featuresThrough('a device with good manners', { strictModule: false });
});
