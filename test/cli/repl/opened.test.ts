import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { remembering } from '../../../src/cli/repl/opened.js';
import { dial, listen } from '../../../src/index.js';

it('puts its defaults before the options, and shows what is open in one line each', async () => {
  const opened = remembering({ dial, listen }, { backend: 'user' });
  const listener = await opened.listen('127.0.0.1:0');
  const [conn, peer] = await Promise.all([opened.dial(listener.addr, { timeout: 5000 }), listener.accept()]);
  expect(conn.backend).toBe('user');
  expect(opened.list()).toEqual([listener, conn]);
  for (const one of opened.list()) expect(inspect(one)).not.toContain('\n');
  await opened.closeAll();
  expect((await peer.closed).by).toBe('local');
  expect(opened.list()).toEqual([]);
});

it('forgets what is closed already', async () => {
  const opened = remembering({ dial, listen }, { backend: 'user' });
  const listener = await opened.listen('127.0.0.1:0');
  await listener.close();
  expect(opened.list()).toEqual([]);
  await opened.closeAll();
});

it('leaves bad options to those who know them', async () => {
  const opened = remembering({ dial, listen }, { backend: 'user' });
  await expect(opened.dial('127.0.0.1:1', 5 as never)).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
  await expect(opened.listen('127.0.0.1:0', { backend: 'both' as never })).rejects.toMatchObject({
    code: 'ERR_INVALID_ARG_VALUE',
  });
});
