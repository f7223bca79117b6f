import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { PoolError } from '../../src/base/errors.js';
import { callSite } from '../../src/pool/call-site.js';
import type { Conn } from '../../src/pool/flow/conn.js';
import { connMaker } from '../../src/pool/flow/conn-events.js';
import { listenWith } from '../../src/pool/listen.js';
import type { Listener } from '../../src/pool/listener.js';
import type { ServeOptions } from '../../src/pool/serve.js';
import { FakeBackend, rejection, settled } from './fake-backend.js';

async function start(): Promise<{ backend: FakeBackend; listener: Listener }> {
  const backend = new FakeBackend();
  return { backend, listener: await listenWith({ selectBackend: async () => backend, connMaker }, callSite(start)) };
}

const turns = async (count = 3): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
};

/** A handler that settles when told. */
function gate() {
  const conns: Conn[] = [];
  const open: ((error?: Error) => void)[] = [];
  const handler = (conn: Conn): Promise<void> => {
    conns.push(conn);
    return new Promise((resolve, reject) => open.push((error) => (error === undefined ? resolve() : reject(error))));
  };
  return { conns, open, handler };
}

describe('serve', () => {
  it('handles every connection at once, and closes each when its handler is done', async () => {
    const { backend, listener } = await start();
    const { conns, open, handler } = gate();
    const serving = listener.serve(handler);
    for (let i = 0; i < 3; i++) backend.peer();
    await turns();
    expect(conns.map(({ state }) => state)).toEqual(['open', 'open', 'open']);
    open[1]!();
    await conns[1]!.closed;
    expect(conns.map(({ state }) => state)).toEqual(['open', 'closed', 'open']);
    expect(await conns[1]!.closed).toEqual({ by: 'local' });
    const closing = listener.close();
    await closing;
    expect(await settled(serving)).toBe(false);
    for (const done of open) done();
    await serving;
    expect(conns.map(({ state }) => state)).toEqual(['closed', 'closed', 'closed']);
  });

  it('leaves what goes beyond the concurrency in the backlog', async () => {
    const { backend, listener } = await start();
    const { conns, open, handler } = gate();
    const serving = listener.serve(handler, { concurrency: 2 });
    for (let i = 0; i < 5; i++) backend.peer('127.0.0.1', i + 1);
    await turns();
    expect(conns.length).toBe(2);
    open[0]!();
    await conns[0]!.closed;
    await turns();
    expect(conns.map(({ remotePort }) => remotePort)).toEqual([1, 2, 3]);
    await listener.close();
    for (const done of open) done();
    await serving;
    expect(conns.length).toBe(3);
  });

  it('gives the error of a handler to onError, and destroys its connection', async () => {
    const { backend, listener } = await start();
    const seen: unknown[] = [];
    const fault = new Error('handler');
    const serving = listener.serve(
      () => {
        throw fault;
      },
      {
        onError: (error, conn) => {
          seen.push(error, conn.state);
        },
      },
    );
    backend.peer();
    backend.peer();
    await turns();
    expect(seen).toEqual([fault, 'open', fault, 'open']);
    await listener.close();
    await serving;
  });

  it('warns once without onError, and goes on', async () => {
    const { backend, listener } = await start();
    const warnings: unknown[] = [];
    const warn = (warning: Error & { code?: string }): void => void warnings.push(warning.code);
    process.on('warning', warn);
    try {
      const conns: Conn[] = [];
      const serving = listener.serve((conn) => {
        conns.push(conn);
        return Promise.reject(new Error('handler'));
      });
      for (let i = 0; i < 3; i++) backend.peer();
      await turns();
      await listener.close();
      await serving;
      expect(conns.map(({ state }) => state)).toEqual(['closed', 'closed', 'closed']);
      expect(warnings).toEqual(['POOL_SERVE_HANDLER']);
    } finally {
      process.off('warning', warn);
    }
  });

  it('ends with what onError throws, as it is', async () => {
    const { backend, listener } = await start();
    const fault = new PoolError('ERR_POOL_PEER_LOST', 'handler');
    const { stack } = fault;
    const serving = listener.serve(() => Promise.reject(fault), {
      onError: (error) => {
        throw error;
      },
    });
    backend.peer();
    expect(await rejection(serving)).toBe(fault);
    expect(fault.stack).toBe(stack);
    expect(listener.address()).not.toBe(null);
  });

  it('rejects with the reason of its signal at once, and handlers under way go on', async () => {
    const { backend, listener } = await start();
    const { conns, open, handler } = gate();
    const stop = new AbortController();
    const serving = listener.serve(handler, { signal: stop.signal, concurrency: 1 });
    backend.peer();
    await turns();
    const reason = new Error('enough');
    stop.abort(reason);
    expect(await rejection(serving)).toBe(reason);
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
    expect(conns[0]!.state).toBe('open');
    open[0]!();
    expect(await conns[0]!.closed).toEqual({ by: 'local' });
    // Others may accept now.
    backend.peer();
    await listener.accept();
  });

  it('rejects with a signal that fired before', async () => {
    const { listener } = await start();
    const reason = new Error('enough');
    expect(await rejection(listener.serve(() => {}, { signal: AbortSignal.abort(reason) }))).toBe(reason);
  });

  it('rejects with the error of a listener that failed', async () => {
    const { backend, listener } = await start();
    const serving = listener.serve(() => {});
    backend.listening!.failed(new PoolError('ENODEV', 'gone'));
    expect((await rejection(serving)).code).toBe('ENODEV');
  });

  it('settles on a listener that is closed already', async () => {
    const { listener } = await start();
    await listener.close();
    await listener.serve(() => {});
  });

  it.each([
    ['handler', {}, 'ERR_INVALID_ARG_TYPE'],
    [() => {}, { concurrency: 0 }, 'ERR_OUT_OF_RANGE'],
    [() => {}, { concurrency: '1' }, 'ERR_INVALID_ARG_TYPE'],
    [() => {}, { onError: 1 }, 'ERR_INVALID_ARG_TYPE'],
    [() => {}, { signal: 1 }, 'ERR_INVALID_ARG_TYPE'],
    [() => {}, null, 'ERR_INVALID_ARG_TYPE'],
  ] as [() => void, ServeOptions, string][])('refuses %s, %o', async (handler, options, code) => {
    const { listener } = await start();
    const error = await rejection(listener.serve(handler, options));
    expect(error.code).toBe(code);
    expect(error.stack?.split('\n')[1]).toContain('serve.test.ts');
  });
});
