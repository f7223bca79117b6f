import { afterEach, expect, test } from 'vitest';
import { killAll, run, start } from '../programs/run.js';

const HTTP = 'examples/http.ts';

afterEach(killAll);

test('the client gets what the server answers; SIGINT ends the server', async () => {
  const server = start([HTTP, '--listen', '127.0.0.1:0']);
  const [, url = ''] = await server.printed(/listening on (\S+)/);
  expect(await run([HTTP, '--get', `${url}hello`])).toEqual({
    code: 0,
    stdout: '200 OK\nGET /hello from 127.0.0.1\n',
    stderr: '',
  });
  server.child.kill('SIGINT');
  expect(await server.ended).toBe(0);
  expect(server.output.stderr).toBe('');
  const refused = await run([HTTP, '--get', url]);
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toMatch(/^.*refused\n$/);
});

test.each([[[]], [['--got']], [['--get', 'nonsense']]])('%j is wrong usage', async (args) => {
  const { code, stdout, stderr } = await run([HTTP, ...args]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
});
