import { describe, expect, it } from 'vitest';
import { endpoint, endpointsOf } from '../../src/poolnode/endpoint.js';

describe('endpoint', () => {
  it.each([
    ['10.0.0.1', { address: '10.0.0.1', family: 'IPv4', port: 9253 }],
    ['::1', { address: '::1', family: 'IPv6', port: 9253 }],
    ['fe80::1%eth0', { address: 'fe80::1%eth0', family: 'IPv6', port: 9253 }],
    ['::ffff:10.0.0.1', { address: '10.0.0.1', family: 'IPv4', port: 9253 }],
    ['::FFFF:127.0.0.1', { address: '127.0.0.1', family: 'IPv4', port: 9253 }],
  ])('%s', (address, expected) => {
    expect(endpoint(address, 9253)).toEqual(expected);
  });
});

describe('endpointsOf', () => {
  it('names both ends of a connected socket', () => {
    const names = { localAddress: '127.0.0.1', localPort: 1, remoteAddress: '::ffff:127.0.0.2', remotePort: 2 };
    expect(endpointsOf(names)).toEqual({
      local: { address: '127.0.0.1', family: 'IPv4', port: 1 },
      remote: { address: '127.0.0.2', family: 'IPv4', port: 2 },
    });
  });

  it('gives null for a socket that the system has forgotten', () => {
    expect(endpointsOf({ localAddress: undefined, remoteAddress: undefined })).toBeNull();
  });
});
