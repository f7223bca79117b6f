import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { PoolError } from '../../src/base/errors.js';
import { handshakeSocketError, hungUp, sessionSocketError, connectError } from '../../src/poolnode/socket-errors.js';

const errno = (code: keyof typeof constants.errno, syscall = 'connect'): NodeJS.ErrnoException =>
  Object.assign(new Error(`${syscall} ${code}`), { code, errno: -constants.errno[code], syscall });

describe('systemError', () => {
  it.each([
    ['ECONNREFUSED', 'ECONNREFUSED', /^connection refused$/],
    ['EADDRINUSE', 'EADDRINUSE', /^address already in use$/],
    ['ENETUNREACH', 'ERR_POOL_NET_UNREACHABLE', /unreachable.*ENETUNREACH/],
    ['EHOSTUNREACH', 'ERR_POOL_NET_UNREACHABLE', /unreachable.*EHOSTUNREACH/],
    ['ETIMEDOUT', 'ERR_POOL_TIMEOUT', /timed out.*ETIMEDOUT/],
  ] as const)('%s is %s', (name, code, message) => {
    const cause = errno(name);
    const error = connectError(cause);
    expect(error).toBeInstanceOf(PoolError);
    expect(error).toMatchObject({ code, errno: -constants.errno[name], syscall: 'connect', cause });
    expect(error.message).toMatch(message);
  });

  it.each([
    ['fe80::1', /^invalid argument; .*needs its interface.*fe80::1%eth0$/],
    ['fe80::1%nosuch', /^invalid argument; .*no interface nosuch$/],
    ['2001:db8::1', /^invalid argument$/],
    [undefined, /^invalid argument$/],
  ])('EINVAL for %s says of an interface what there is to say', (address, message) => {
    expect(connectError(Object.assign(errno('EINVAL'), { address })).message).toMatch(message);
  });

  it('keeps a code that is no errno', () => {
    const error = connectError(Object.assign(new Error('getaddrinfo ENOTFOUND nowhere'), { code: 'ENOTFOUND' }));
    expect(error.code).toBe('ENOTFOUND');
    expect(error.message).toContain('nowhere');
  });
});

describe('a peer that hangs up', () => {
  it.each(['ECONNRESET', 'EPIPE'] as const)('with %s during the handshake may have a full table', (name) => {
    const error = handshakeSocketError(errno(name, 'read'), 'client');
    expect(error.code).toBe('ECONNRESET');
    expect(error.message).toContain('table may be full');
    expect(error.errno).toBe(-constants.errno[name]);
  });

  it('with a FIN during the handshake too', () => {
    expect(hungUp('client')).toMatchObject({ code: 'ECONNRESET' });
    // Who was dialled knows that it is not its own table.
    expect(hungUp('server').message).toBe('the peer hung up during the handshake before it proved itself');
  });

  it('during the handshake is not made of other failures', () => {
    expect(handshakeSocketError(errno('EHOSTUNREACH', 'read'), 'client').code).toBe('ERR_POOL_NET_UNREACHABLE');
  });

  it.each(['ECONNRESET', 'EPIPE', 'ETIMEDOUT'] as const)('with %s during the session is lost', (name) => {
    const cause = errno(name, 'read');
    const error = sessionSocketError(cause);
    expect(error).toMatchObject({ code: 'ERR_POOL_PEER_LOST', errno: -constants.errno[name], cause });
    expect(error.message).toContain(name);
  });
});
