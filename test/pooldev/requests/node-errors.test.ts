import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { PoolError } from '../../../src/base/errors.js';
import { Errno } from '../../../src/base/errno.js';
import { connectErrno, errnoOf } from '../../../src/pooldev/requests/node-errors.js';
import { createPoolNode } from '../../../src/poolnode/index.js';
import type { NodeDialOptions } from '../../../src/poolnode/types.js';
import { rawServer } from '../../poolnode/conversation.js';

const HOST = '127.0.0.1';

/** What CONNECT gives for what the node really rejects with. */
async function outcome(options: Partial<NodeDialOptions>, connect?: () => Socket): Promise<number> {
  const node = createPoolNode({}, connect === undefined ? {} : { connect });
  return node.dial({ host: HOST, port: 9, ...options }).then(() => 0, connectErrno);
}

function failing(code: string): () => Socket {
  return () => {
    const socket = new Socket();
    setImmediate(() => socket.destroy(Object.assign(new Error(code), { code, errno: -1, syscall: 'connect' })));
    return socket;
  };
}

describe('what CONNECT gives when a dial fails', () => {
  it('is EINPROGRESS where the host is silent, whoever loses patience first', async () => {
    expect(await outcome({ connectTimeout: 10 }, () => new Socket())).toBe(Errno.EINPROGRESS);
    expect(await outcome({}, failing('ETIMEDOUT'))).toBe(Errno.EINPROGRESS);
  });

  it('is EAGAIN where TCP was accepted and no answer comes', async () => {
    const port = await rawServer(() => {});
    expect(await outcome({ port, challengeTimeout: 10 })).toBe(Errno.EAGAIN);
  });

  it.each([
    ['ECONNREFUSED', Errno.ECONNREFUSED],
    ['ENETUNREACH', Errno.ENETUNREACH],
    ['ECONNRESET', Errno.ECONNRESET],
  ])('is the errno of TCP else: %s', async (code, errno) => {
    expect(await outcome({}, failing(code))).toBe(errno);
  });

  it('is ENOSPC of a full table, and EIO of what has no counterpart', () => {
    expect(connectErrno(new PoolError('ERR_POOL_SESSION_FULL', 'full'))).toBe(Errno.ENOSPC);
    expect(errnoOf(new PoolError('EWHATEVER', 'new'))).toBe(Errno.EIO);
    expect(errnoOf('no error at all')).toBe(Errno.EIO);
  });
});
