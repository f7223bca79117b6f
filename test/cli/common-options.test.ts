import { describe, expect, it } from 'vitest';
import { listenAddress, peerAddress } from '../../src/cli/common-options.js';

describe('where to listen', () => {
  it.each([
    ['9253', ':9253'],
    [':9253', ':9253'],
    ['127.0.0.1', '127.0.0.1'],
    ['[::1]:0', '[::1]:0'],
    ['pool://:9253', ':9253'],
    ['127.0.0.1', '127.0.0.1:80', '80'],
    ['::', '[::]:80', '80'],
    ['', ':80', '80'],
  ])('%s is %s', (text, address, port?: string) => {
    expect(listenAddress(text, port)).toBe(address);
  });
});

describe('whom to dial', () => {
  it.each([
    ['host:9253', undefined, 'host:9253'],
    ['host', '9253', 'host:9253'],
    ['::1', '9253', '[::1]:9253'],
    ['[::1]', '9253', '[::1]:9253'],
    ['pool://host:9253', undefined, 'host:9253'],
    ['pool://host:9253/', undefined, 'host:9253'],
    ['POOL://host', '80', 'host:80'],
    ['http://host', undefined, 'http://host'],
  ])('%s %s is %s', (host, port, address) => {
    expect(peerAddress(host, port)).toBe(address);
  });
});
