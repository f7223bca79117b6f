import { describe, expect, it } from 'vitest';
import { joinHostPort } from '../../../src/base/ip.js';
import { parseTcpAddress } from '../../../src/cli/bridge/tcp-address.js';

describe('TCP addresses', () => {
  it.each([
    ['127.0.0.1:80', { host: '127.0.0.1', port: 80 }],
    [':8080', { host: '', port: 8080 }],
    ['localhost:0', { host: 'localhost', port: 0 }],
    ['[::1]:443', { host: '::1', port: 443 }],
  ])('%s is read, and written the same', (text, address) => {
    expect(parseTcpAddress(text, 'listen')).toEqual(address);
    expect(joinHostPort(address.host, address.port)).toBe(text);
  });

  it.each(['', '80', 'localhost', 'localhost:', 'localhost:http', '::1:80', '[localhost]:80', 'a b:80', 'x:65536'])(
    "'%s' is refused",
    (text) => {
      expect(() => parseTcpAddress(text, 'listen')).toThrow(/^the TCP address/);
    },
  );

  it('port 0 is no destination', () => {
    expect(() => parseTcpAddress('localhost:0', 'connect')).toThrow('port 0');
  });
});
