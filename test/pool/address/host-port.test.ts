import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PoolError } from '../../../src/base/errors.js';
import { readHost, readPort, splitHostPort } from '../../../src/pool/address/host-port.js';

const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;

describe('splitHostPort', () => {
  it.each([
    ['10.0.0.1:9253', '10.0.0.1', 9253],
    ['10.0.0.1', '10.0.0.1', undefined],
    ['host.example.com:9253', 'host.example.com', 9253],
    ['host.example.com.:1', 'host.example.com.', 1],
    ['my_host', 'my_host', undefined],
    ['h-1', 'h-1', undefined],
    ['1.2.3.example', '1.2.3.example', undefined],
    ['0xcafe.example', '0xcafe.example', undefined],
    ['bücher.example:1', 'xn--bcher-kva.example', 1],
    [':9253', '', 9253],
    ['', '', undefined],
    ['*:0', '*', 0],
    ['[::1]:9253', '::1', 9253],
    ['[::1]', '::1', undefined],
    ['[2001:db8::1]:65535', '2001:db8::1', 65535],
    ['[fe80::1%eth0]:1', 'fe80::1%eth0', 1],
    ['[::ffff:10.0.0.1]:1', '::ffff:10.0.0.1', 1],
    ['::1', '::1', undefined],
    ['::', '::', undefined],
    ['fe80::', 'fe80::', undefined],
    ['fe80::1%eth0', 'fe80::1%eth0', undefined],
    ['fe80::1:abcd', 'fe80::1:abcd', undefined],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8', undefined],
    ['::ffff:10.0.0.1', '::ffff:10.0.0.1', undefined],
    ['h:00080', 'h', 80],
  ])('reads %j', (text, host, port) => {
    expect(splitHostPort(text)).toEqual(port === undefined ? { host } : { host, port });
  });

  it.each([
    // What could be a port at the end of an IPv6 address without brackets.
    ['2001:db8::1:9253', 'ambiguous'],
    ['::1:9253', 'ambiguous'],
    ['fe80::1%eth0:9253', 'ambiguous'],
    ['1:2:3:4:5:6:7:8:9253', 'without brackets'],
    ['::1:99999', 'without brackets'],
    ['[::1', "lacks the ']'"],
    ['[::1]9253', 'behind its brackets'],
    ['[::1]:', 'without a port'],
    ['[]:9253', 'in its brackets'],
    ['[10.0.0.1]:9253', 'in its brackets'],
    ['[localhost]:1', 'in its brackets'],
    ['[12345::1]:1', 'in its brackets'],
    ['pool://127.0.0.1:1', 'host:port, without pool://'],
    ['tcp://h', 'without tcp://'],
    ['a:b:1', "more than one ':'"],
    ['host:', 'without a port'],
    [':', 'without a port'],
    ['host:http', 'decimal'],
    ['host:-1', 'decimal'],
    ['host:+1', 'decimal'],
    ['host:1e3', 'decimal'],
    ['host:0x50', 'decimal'],
    ['host:1.5', 'decimal'],
    ['host:٣', 'decimal'],
    ['two words:1', 'white space'],
    [' host:1', 'white space'],
    ['host:1\n', 'white space'],
    ['host\0:1', 'NUL'],
    ['host :1', 'white space'],
    // What inet_aton would take for an address.
    ['010.0.0.1:1', 'no IPv4 address'],
    ['10.0.0.01', 'no IPv4 address'],
    ['10.0.0.256', 'no IPv4 address'],
    ['10.0.1', 'no IPv4 address'],
    ['10.0.0.1.2', 'no IPv4 address'],
    ['2130706433', 'no IPv4 address'],
    ['0x7f.1', 'no IPv4 address'],
    ['0x7f000001', 'no IPv4 address'],
    ['127.0.0.0x1', 'no IPv4 address'],
    ['10.0.0.1.', 'no IPv4 address'],
    ['１27.0.0.1', 'ASCII'],
    ['a..b', 'host name'],
    ['.a', 'host name'],
    ['.', 'host name'],
    ['-a.example', 'host name'],
    ['a-.example', 'host name'],
    ['a/b', 'host name'],
    ['user@host:1', 'host name'],
    [`${'a'.repeat(64)}.example`, 'host name'],
    [`${'abcdefgh.'.repeat(30)}`, 'host name'],
    ['a\u0001b', 'host name'],
  ])('refuses %j', (text, reason) => {
    expect(() => splitHostPort(text)).toThrow(code('ERR_POOL_INVALID_ADDRESS'));
    expect(() => splitHostPort(text)).toThrow(reason);
  });

  it.each(['host:65536', '[::1]:70000', `h:${'9'.repeat(400)}`])('refuses a port above 65535: %s', (text) => {
    expect(() => splitHostPort(text)).toThrow(code('ERR_OUT_OF_RANGE'));
  });

  it.each([undefined, null, 9253, 10n, true, {}, [], () => 1, Symbol('a'), new String('a')])('refuses %s', (value) => {
    expect(() => splitHostPort(value)).toThrow(code('ERR_INVALID_ARG_TYPE'));
  });

  it('gives a host and a port, or throws a PoolError, whatever the text', () => {
    const word = fc.constantFrom(
      '[',
      ']',
      ':',
      '::',
      '.',
      '%',
      '*',
      '0',
      '9253',
      '127',
      'a',
      'fe80',
      '-',
      ' ',
      'é',
      '\0',
      '@',
    );
    const seed = Date.now() & 0x7fffffff;
    console.log(`seed ${seed}`);
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(word, { maxLength: 12 }).map((list) => list.join('')),
        ),
        (text) => {
          try {
            const { host, port } = splitHostPort(text);
            expect(host).toMatch(/^[\w.:%*-]*$/);
            expect(port === undefined || (Number.isInteger(port) && port >= 0 && port <= 65535)).toBe(true);
          } catch (error) {
            if (!(error instanceof PoolError)) throw error;
          }
        },
      ),
      { seed, numRuns: 3000 },
    );
  });
});

describe('readHost', () => {
  it.each([
    ['10.0.0.1', '10.0.0.1'],
    ['::1', '::1'],
    ['2001:db8::1:9253', '2001:db8::1:9253'],
    ['[::1]', '::1'],
    ['fe80::1%eth0', 'fe80::1%eth0'],
    ['localhost', 'localhost'],
    ['', ''],
  ])('reads %j', (host, read) => expect(readHost(host)).toBe(read));

  it.each(['10.0.0.1:80', '[::1]:80', '[localhost]', 'a b', '0x7f.1', 'a\0'])('refuses %j', (host) => {
    expect(() => readHost(host)).toThrow(code('ERR_POOL_INVALID_ADDRESS'));
  });

  it('refuses what is no string', () => expect(() => readHost(1)).toThrow(code('ERR_INVALID_ARG_TYPE')));
});

describe('readPort', () => {
  it.each([0, 1, 65535])('takes %d', (port) => expect(readPort(port)).toBe(port));
  it.each([-1, 65536, 1.5, NaN, Infinity])('is out of range: %d', (port) => {
    expect(() => readPort(port)).toThrow(code('ERR_OUT_OF_RANGE'));
  });
  it.each(['0', '80', '65535'])('takes the digits %j', (port) => expect(readPort(port)).toBe(Number(port)));
  it.each(['', ' 80', '8e1', '0x50', 80n, null])('is no number: %s', (port) => {
    expect(() => readPort(port)).toThrow(code('ERR_INVALID_ARG_TYPE'));
  });
});
