import { describe } from 'vitest';
import { fuse } from '../require.js';
import { featuresThrough } from './features-run.js';

describe.skipIf(fuse().missing)('the features through a served device', () => {
  featuresThrough('a served device', { strictModule: false });
});
