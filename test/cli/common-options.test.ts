import { describe, expect, it } from 'vitest';
import { listenAddress } from '../../src/cli/common-options.js';

describe('where to listen', () => {
  it.each([
    ['9253', ':9253'],
    [':9253', ':9253'],
    ['127.0.0.1', '127.0.0.1'],
    ['[::1]:0', '[::1]:0'],
  ])('%s is %s', (text, address) => {
    expect(listenAddress(text)).toBe(address);
  });
});
